namespace DmIo.Mapper;

/// <summary>What a leg was asked in one direction since the volume started, and how long it took.</summary>
/// <param name="Operations">How many have ended, those of recovery and checks too.</param>
/// <param name="Bytes">How much they carried.</param>
/// <param name="Errors">How many failed since the leg was last cleared.</param>
/// <param name="InFlight">Operations of clients under way.</param>
/// <param name="MeanLatency">How long one of a client takes, the newest counting most.</param>
/// <param name="Latencies">
/// How many of clients took how long: the first less than about a microsecond (1024 ns), each next up to twice as long, the
/// last all that took longer.
/// </param>
public sealed record LegTraffic(
    long Operations, long Bytes, long Errors, int InFlight, TimeSpan MeanLatency, IReadOnlyList<long> Latencies)
{
    /// <summary>How many steps of latency there are: up to half a minute, as long as a leg may take.</summary>
    public const int Buckets = 26;
}
