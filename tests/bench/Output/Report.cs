using System.Globalization;
using System.Text;
using DmIo.SideBySide.Measure;

namespace DmIo.SideBySide.Output;

/// <summary>The result as markdown.</summary>
internal static class Report
{
    public static string Cells(IReadOnlyList<CellResult> results)
    {
        StringBuilder text = new();
        _ = text.AppendLine("| cell | load | ours | best peer | ratio, median [min, max] | aim | CPU per I/O, ours : best | client busy, ours : best | other peers |")
            .AppendLine("|---|---|---|---|---|---|---|---|---|");
        foreach (CellResult result in results)
        {
            _ = text.AppendLine(Row(result));
        }

        return text.ToString();
    }

    public static string Studies(IReadOnlyList<string> rows) => string.Join(
        Environment.NewLine,
        (string[])
        [
            "| study | what | median | beside | ratio, median [min, max] | difference, median | aim |",
            "|---|---|---|---|---|---|---|",
            .. rows,
            "",
        ]);

    public static string Idle(IReadOnlyList<IdleResult> results)
    {
        StringBuilder text = new();
        _ = text.AppendLine("| server | start-up, median (slowest) | PSS (RSS) after start | PSS (RSS) with a connection |")
            .AppendLine("|---|---|---|---|");
        foreach (IdleResult r in results)
        {
            _ = text.AppendLine(Invariant(
                $"| {r.Name} | {r.StartUpMs:F0} ms ({r.SlowestStartUpMs:F0}) | {r.PssMib:F1} ({r.RssMib:F1}) MiB | {r.ConnectedPssMib:F1} ({r.ConnectedRssMib:F1}) MiB |"));
        }

        return text.ToString();
    }

    /// <summary>A throughput in the cell's unit.</summary>
    public static string Speed(CellResult result, Series series) => result.Cell.InBytes
        ? Invariant($"{series.Median * result.Cell.Workload.BlockBytes / (1 << 20):F0} MiB/s")
        : Invariant($"{series.Median / 1000:F1}k/s");

    public static string Ratio(CellResult result) =>
        Invariant($"{result.MedianRatio:F2} [{result.Ratios.Min():F2}, {result.Ratios.Max():F2}]");

    private static string Row(CellResult result)
    {
        string head = $"| {result.Cell.Name} | {result.Cell.What}{(result.Cell.IsThroughLibnbd ? " (libnbd)" : "")} |";
        if (result.Ours is not { } ours || result.Best is not { } best)
        {
            return $"{head} failed: {result.Failure!.ReplaceLineEndings(" ").Replace('|', '/')} | | | | | | |";
        }

        string aim = result.Cell.Aim is { } ratio
            ? Invariant($"{ratio:F1}, {(result.MedianRatio >= ratio ? "met" : "MISSED")}")
            : "";
        string busy = ours.ClientBusy > 0 ? Invariant($"{ours.ClientBusy:P0} : {best.ClientBusy:P0}") : "";
        string others = string.Join("; ", result.Peers.Where(p => p != best).Select(p => $"{p.Name} {Speed(result, p)}"));
        return head + Invariant(
            $" {Speed(result, ours)} | {best.Name} {Speed(result, best)} | {Ratio(result)} | {aim} | {ours.CpuMicrosecondsPerOperation:F1} : {best.CpuMicrosecondsPerOperation:F1} µs | {busy} | {others} |");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
