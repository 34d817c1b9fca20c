using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>What a leg failed.</summary>
/// <param name="Operation">What it was asked.</param>
/// <param name="Sector">First failing sector, on the leg's device.</param>
/// <param name="Errno">Why.</param>
/// <param name="Time">When.</param>
internal sealed record LegTroubleInfo(string Operation, long Sector, string Errno, DateTimeOffset Time)
{
    public static LegTroubleInfo Of(LegTrouble trouble) =>
        new(ControlWords.Of(trouble.Operation), trouble.Sector, trouble.Errno.ToString(), trouble.At);
}
