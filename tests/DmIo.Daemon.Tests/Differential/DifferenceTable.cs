namespace DmIo.Daemon.Tests;

/// <summary>The tables of README.md beside this: who answers what, and why where answers differ.</summary>
internal sealed class DifferenceTable
{
    private readonly Dictionary<string, string[]> _differences = [];
    private readonly Dictionary<string, string> _same = [];
    private readonly HashSet<string> _reasons = [];
    private readonly List<string> _inShort = [];

    private DifferenceTable()
    {
    }

    public static string Path => $"{BuiltProgram.Repository}/tests/DmIo.Daemon.Tests/Differential/README.md";

    public static DifferenceTable Read()
    {
        var table = new DifferenceTable();
        foreach (string line in File.ReadLines(Path))
        {
            if (line is not ['|', ' ', ..])
                continue;
            string[] cells = [.. line.Split('|')[1..^1].Select(c => c.Trim())];
            if (line[2] != '`')
            {
                table._inShort.AddRange(cells[^1].Split('`').Where((_, i) => i % 2 == 1));
                continue;
            }
            string probe = cells[0].Trim('`');
            if (cells.Length == 2)
                table._same.Add(probe, cells[1]);
            else if (cells.Length == 3)
                table._reasons.Add(probe);
            else
                table._differences.Add(probe, cells[1..]);
        }
        return table;
    }

    /// <summary>Whether a server's answer to a probe is known to have something in it.</summary>
    public bool Expects(string probe, int server, string what) =>
        _differences.TryGetValue(probe, out string[]? cells)
            ? cells[server].Contains(what, StringComparison.Ordinal)
            : _same.TryGetValue(probe, out string? answer) && answer.Contains(what, StringComparison.Ordinal);

    /// <summary>Compares with what was observed.</summary>
    /// <returns>What is wrong with the tables: lines that lack, with what they ought to be, and lines that are too many.</returns>
    public List<string> Compare(IReadOnlyList<string> probes, Func<string, string[]> observed)
    {
        var wrong = new List<string>();
        foreach (string probe in probes)
        {
            string[] answers = observed(probe);
            string[] offered = [.. answers.Where(a => a != Probe.NotOffered).Distinct()];
            bool differ = offered.Length > 1;
            string row = differ ? $"| `{probe}` | {string.Join(" | ", answers)} |" : $"| `{probe}` | {offered[0]} |";
            bool isThere = differ
                ? _differences.TryGetValue(probe, out string[]? cells) && cells.SkipLast(1).SequenceEqual(answers)
                : _same.TryGetValue(probe, out string? answer) && answer == offered[0];
            if (!isThere)
                wrong.Add(row);
            if (differ ? _same.ContainsKey(probe) : _differences.ContainsKey(probe))
                wrong.Add($"in the wrong table: {probe}");
        }
        wrong.AddRange(_differences.Keys.Concat(_same.Keys).Concat(_inShort).Except(probes).Select(p => $"there is no such probe: {p}"));
        string[] named = [.. _differences.Values.SelectMany(c => c[^1].Split(", ")).Distinct()];
        wrong.AddRange(named.Except(_reasons).Select(r => $"there is no such reason: {r}"));
        wrong.AddRange(_reasons.Except(named).Select(r => $"no row has this reason: {r}"));
        return wrong;
    }
}
