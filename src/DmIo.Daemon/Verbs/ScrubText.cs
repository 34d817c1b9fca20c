using DmIo.Daemon.Control;

namespace DmIo.Daemon.Verbs;

/// <summary>What a check or repair found, as lines.</summary>
internal static class ScrubText
{
    // The rest is counted, and told in JSON.
    private const int MaxShown = 20;

    public static async Task WriteAsync(TextWriter writer, ScrubReportInfo report)
    {
        foreach (MismatchInfo mismatch in report.Mismatches.Take(MaxShown))
            await writer.WriteLineAsync(Describe(mismatch));
        long more = report.Mismatches.Count - MaxShown + report.Unlisted;
        if (more > 0)
            await writer.WriteLineAsync($"and {more} more");
        string done = $"{report.Compared} of {report.Length} sectors compared";
        string found = report.Differing > 0 ? $"{report.Differing} differ"
            : report.PassedOverRegions > 0 ? "no difference found" : "the legs are identical";
        var parts = new List<string> { found };
        if (report.Repair && report.Differing > 0)
            parts.Add($"{report.Repaired} were repaired");
        if (report.Undecided > 0)
            parts.Add($"{report.Undecided} were left, since nothing is right there");
        if (report.Failed > 0)
            parts.Add($"{report.Failed} could not be repaired");
        if (report.Unreadable > 0)
            parts.Add($"{report.Unreadable} could not be read");
        if (report.PassedOverRegions > 0)
            parts.Add($"{report.PassedOverRegions} regions were passed over, which are not in sync");
        await writer.WriteLineAsync($"{done}: {string.Join(", ", parts)}");
    }

    private static string Describe(MismatchInfo mismatch)
    {
        string groups = string.Join(" from ", mismatch.Groups.Select(group => string.Join('+', group)));
        string values = string.Join(' ', mismatch.Values.Select(value => value is { } b ? $"{b:x2}" : "--"));
        string outcome = mismatch.Outcome switch
        {
            "repaired" => ", repaired",
            "undecided" => ", left: nothing is right there",
            "failed" => ", could not be repaired",
            _ => "",
        };
        return $"sector {mismatch.Sector}, {mismatch.Count} sectors: legs {groups} differ, first at byte {mismatch.FirstByte} "
            + $"({values}){outcome}";
    }
}
