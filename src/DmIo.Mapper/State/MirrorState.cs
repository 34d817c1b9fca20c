namespace DmIo.Mapper;

/// <summary>The contents of a mirror's state file.</summary>
internal sealed record MirrorState
{
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    public required Guid Volume { get; init; }

    public required string Device { get; init; }

    public required long StartSector { get; init; }

    public required long LengthSectors { get; init; }

    /// <summary>Grows each time the set of good legs shrinks.</summary>
    public long Epoch { get; init; }

    /// <summary>
    /// False from before the first write until a clean stop: in-sync legs may then differ where writes were.
    /// </summary>
    public bool Clean { get; init; }

    public required IReadOnlyList<LegRecord> Legs { get; init; }
}
