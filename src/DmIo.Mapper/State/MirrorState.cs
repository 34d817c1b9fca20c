namespace DmIo.Mapper;

/// <summary>The contents of a mirror's state file.</summary>
internal sealed record MirrorState
{
    public const int CurrentVersion = 2;

    public int Version { get; init; } = CurrentVersion;

    public required Guid Volume { get; init; }

    public required string Device { get; init; }

    public required long StartSector { get; init; }

    public required long LengthSectors { get; init; }

    public required long RegionSectors { get; init; }

    /// <summary>The table line that the mirror was last started with.</summary>
    public string Table { get; init; } = "";

    /// <summary>Grows each time the set of good legs shrinks.</summary>
    public long Epoch { get; init; }

    /// <summary>
    /// False from before the first write until a clean stop: legs may then differ where writes were, which with a core
    /// log may be anywhere.
    /// </summary>
    public bool Clean { get; init; }

    /// <summary>
    /// A flush failed on the last leg that held something: what it is read to hold may not be durable, and is written anew.
    /// </summary>
    public bool Unwritten { get; init; }

    /// <summary>The log device could not be written, so what it says is not to be believed.</summary>
    public bool LogLost { get; init; }

    /// <summary>Regions whose newest contents were given up by a forced start, as runs.</summary>
    public IReadOnlyList<long[]>? GivenUp { get; init; }

    public required IReadOnlyList<LegRecord> Legs { get; init; }
}
