using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>What a check or a repair found, with what it found before it was interrupted. Counts are sectors.</summary>
internal sealed record ScrubReportInfo
{
    public required bool Repair { get; init; }

    /// <summary>The leg that a repair took as right; missing: the majority.</summary>
    public int? From { get; init; }

    /// <summary>How it ended: complete, cancelled, stopped or legsMissing.</summary>
    public required string End { get; init; }

    /// <summary>The mirror's length.</summary>
    public required long Length { get; init; }

    public required long Compared { get; init; }

    public required long Differing { get; init; }

    public required long Repaired { get; init; }

    /// <summary>Left as they are, since nothing is right there.</summary>
    public required long Undecided { get; init; }

    /// <summary>Could not be repaired.</summary>
    public required long Failed { get; init; }

    /// <summary>Could not be read, each leg counted.</summary>
    public required long Unreadable { get; init; }

    /// <summary>Regions that were passed over, since a leg lacked them, or legs might rightly differ, or went on failing.</summary>
    public required long PassedOverRegions { get; init; }

    /// <summary>Where legs differed, in order; of very many, the first.</summary>
    public required IReadOnlyList<MismatchInfo> Mismatches { get; init; }

    /// <summary>How many ranges are not listed.</summary>
    public required long Unlisted { get; init; }

    public static ScrubReportInfo Of(ScrubReport report) => new()
    {
        Repair = report.IsRepair,
        From = report.From,
        End = ControlWords.Of(report.End),
        Length = report.Length.Count,
        Compared = report.Compared.Count,
        Differing = report.Differing.Count,
        Repaired = report.Repaired.Count,
        Undecided = report.Undecided.Count,
        Failed = report.Failed.Count,
        Unreadable = report.UnreadableSectors.Count,
        PassedOverRegions = report.LackedRegions + report.DifferingRegions + report.DisturbedRegions,
        Mismatches = [.. report.Mismatches.Select(MismatchInfo.Of)],
        Unlisted = report.Unlisted,
    };
}
