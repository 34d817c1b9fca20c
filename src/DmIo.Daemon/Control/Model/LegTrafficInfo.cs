using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>What a leg was asked in one direction since the volume started.</summary>
/// <param name="Operations">How many have ended.</param>
/// <param name="Bytes">How much they carried.</param>
/// <param name="Errors">How many failed since the leg was last cleared.</param>
/// <param name="InFlight">How many of clients are under way.</param>
/// <param name="MeanLatencySeconds">How long one of a client takes, the newest counting most.</param>
internal sealed record LegTrafficInfo(long Operations, long Bytes, long Errors, int InFlight, double MeanLatencySeconds)
{
    public static LegTrafficInfo Of(LegTraffic traffic) => new(
        traffic.Operations, traffic.Bytes, traffic.Errors, traffic.InFlight, traffic.MeanLatency.TotalSeconds);
}
