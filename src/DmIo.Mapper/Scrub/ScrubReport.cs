namespace DmIo.Mapper;

/// <summary>What a check or a repair found, with what it found before it was interrupted.</summary>
public sealed record ScrubReport
{
    /// <summary>The most ranges that are listed; the sums go on. Arbitrary: more than a person reads.</summary>
    public const int MaxListed = 1000;

    /// <summary>Whether legs were to be made alike, not only compared.</summary>
    public required bool IsRepair { get; init; }

    /// <summary>The leg that a repair took as right; null: the majority.</summary>
    public int? From { get; init; }

    /// <summary>How it ended.</summary>
    public required ScrubEnd End { get; init; }

    /// <summary>Where the mirror begins on the volume.</summary>
    public required Sectors Begin { get; init; }

    /// <summary>How long it is.</summary>
    public required Sectors Length { get; init; }

    /// <summary>Where the next one goes on, on the volume; the mirror's end when it was complete.</summary>
    public required Sectors Position { get; init; }

    /// <summary>Sectors of which legs were compared.</summary>
    public required Sectors Compared { get; init; }

    /// <summary>Sectors in which legs differed.</summary>
    public required Sectors Differing { get; init; }

    /// <summary>Those of them that were repaired.</summary>
    public required Sectors Repaired { get; init; }

    /// <summary>Those that were left, since nothing is right there.</summary>
    public required Sectors Undecided { get; init; }

    /// <summary>Those that could not be repaired.</summary>
    public required Sectors Failed { get; init; }

    /// <summary>The ranges in which legs differed, in order, up to <see cref="MaxListed"/>.</summary>
    public required IReadOnlyList<ScrubMismatch> Mismatches { get; init; }

    /// <summary>How many ranges were not listed for want of room.</summary>
    public required long Unlisted { get; init; }

    /// <summary>The ranges that legs could not read, in order, up to <see cref="MaxListed"/>.</summary>
    public required IReadOnlyList<UnreadableRange> Unreadable { get; init; }

    /// <summary>Sectors that legs could not read, each leg counted.</summary>
    public required Sectors UnreadableSectors { get; init; }

    /// <summary>Regions that were passed over, wholly or in part, since a leg of the set lacked them.</summary>
    public required long LackedRegions { get; init; }

    /// <summary>Regions that were passed over, wholly or in part, since legs might rightly differ in them.</summary>
    public required long DifferingRegions { get; init; }

    /// <summary>Regions that were passed over since legs failed or left while they were compared, again and again.</summary>
    public required long DisturbedRegions { get; init; }

    /// <summary>Bits of the legs that were compared at any time.</summary>
    public required ulong Legs { get; init; }
}
