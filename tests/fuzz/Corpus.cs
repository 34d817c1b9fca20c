using DmIo.Nbd.Tests;

namespace DmIo.Fuzz;

/// <summary>Cases that did something new when they were found.</summary>
internal sealed class Corpus
{
    private readonly List<(FuzzCase Case, List<long> What)> _entries = [];

    public int Count => _entries.Count;

    public void Add(FuzzCase what, List<long> did) => _entries.Add((what, did));

    /// <summary>One of them, more often one that was found late.</summary>
    public FuzzCase Pick(Random random) =>
        _entries[Math.Max(random.Next(_entries.Count), random.Next(2) == 0 ? 0 : random.Next(_entries.Count))].Case;

    /// <summary>Few and short ones that did everything that all of them did, how often aside.</summary>
    public List<FuzzCase> Minimise()
    {
        var done = new HashSet<long>();
        var kept = new List<FuzzCase>();
        (FuzzCase Case, HashSet<long> What, int Length)[] all = [.. _entries.Select(e =>
            (e.Case, e.What.Select(Coarse).ToHashSet(), e.Case.ToString().Length))];
        // What few do first: whoever does that brings the rest along.
        Dictionary<long, int> rare = all.SelectMany(e => e.What).CountBy(what => what).ToDictionary();
        foreach ((long what, _) in rare.OrderBy(pair => pair.Value))
        {
            if (done.Contains(what))
                continue;
            (FuzzCase Case, HashSet<long> What, int Length) best = all.Where(e => e.What.Contains(what)).MinBy(e => e.Length);
            kept.Add(best.Case);
            done.UnionWith(best.What);
        }
        return kept;
    }

    public void Save(string path) => Write(path, _entries.Select(e => e.Case));

    public static void Write(string path, IEnumerable<FuzzCase> cases) => File.WriteAllText(path, string.Join('\n', cases));

    private static long Coarse(long what) => what < 1L << 40 ? what >> 2 : what;
}
