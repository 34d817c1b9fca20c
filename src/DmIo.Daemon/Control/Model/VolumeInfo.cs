namespace DmIo.Daemon.Control;

/// <summary>A mapped device as it is now.</summary>
internal sealed record VolumeInfo
{
    public required string Name { get; init; }

    /// <summary>Its home among the loops.</summary>
    public required int Loop { get; init; }

    public required bool Suspended { get; init; }

    public required bool ReadOnly { get; init; }

    public required long LengthSectors { get; init; }

    /// <summary>Connections to its exports, and devices that stand on it.</summary>
    public required int OpenCount { get; init; }

    /// <summary>As in device-mapper: how often the health of something in it has changed.</summary>
    public required long EventNumber { get; init; }

    /// <summary>As <c>dmsetup info</c> prints it.</summary>
    public required string InfoText { get; init; }

    /// <summary>The live table, a line for each target.</summary>
    public required IReadOnlyList<string> Table { get; init; }

    /// <summary>The table that the next resume takes.</summary>
    public IReadOnlyList<string>? InactiveTable { get; init; }

    /// <summary>The status lines.</summary>
    public required IReadOnlyList<string> Status { get; init; }

    /// <summary>The mirrors among its targets, with what their status lines say.</summary>
    public required IReadOnlyList<MirrorInfo> Mirrors { get; init; }

    /// <summary>A check or repair of its mirror: the one at work, or the last; missing when there was none.</summary>
    public ScrubInfo? Scrub { get; init; }

    /// <summary>What its live table stands on, as the table names it.</summary>
    public required IReadOnlyList<string> Dependencies { get; init; }

    /// <summary>Mapped devices that stand on it.</summary>
    public required IReadOnlyList<string> UsedBy { get; init; }

    /// <summary>Exports that serve it.</summary>
    public required IReadOnlyList<string> Exports { get; init; }
}
