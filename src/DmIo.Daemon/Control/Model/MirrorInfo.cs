namespace DmIo.Daemon.Control;

/// <summary>A mirror target, as its status line has it.</summary>
/// <param name="StartSector">Its first sector on the volume.</param>
/// <param name="LengthSectors">Its length.</param>
/// <param name="RegionsInSync">In how many regions all legs are identical.</param>
/// <param name="Regions">How many there are.</param>
/// <param name="Legs">The legs in the table's order.</param>
/// <param name="Log">The log device; null where the log is in memory.</param>
internal sealed record MirrorInfo(
    long StartSector, long LengthSectors, long RegionsInSync, long Regions, IReadOnlyList<LegInfo> Legs,
    LogInfo? Log = null);
