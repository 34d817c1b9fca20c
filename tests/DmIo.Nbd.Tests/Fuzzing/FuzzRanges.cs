namespace DmIo.Nbd.Tests;

/// <summary>A set of byte ranges.</summary>
internal sealed class FuzzRanges
{
    private readonly List<(long From, long To)> _ranges = [];

    public bool IsEmpty => _ranges.Count == 0;

    /// <summary>The ranges, none empty, none overlapping another, in no order.</summary>
    public IReadOnlyList<(long From, long To)> All => _ranges;

    public static FuzzRanges Of(long from, long to)
    {
        var set = new FuzzRanges();
        if (to > from)
            set._ranges.Add((from, to));
        return set;
    }

    public void Clear() => _ranges.Clear();

    public void Add(long from, long to)
    {
        Remove(from, to);
        if (to > from)
            _ranges.Add((from, to));
    }

    public void Add(FuzzRanges others)
    {
        foreach ((long from, long to) in others._ranges.ToArray())
            Add(from, to);
    }

    public void Remove(long from, long to)
    {
        for (int i = _ranges.Count - 1; i >= 0; i--)
        {
            (long first, long end) = _ranges[i];
            if (end <= from || to <= first)
                continue;
            _ranges.RemoveAt(i);
            if (first < from)
                _ranges.Add((first, from));
            if (to < end)
                _ranges.Add((to, end));
        }
    }

    public void Remove(FuzzRanges others)
    {
        foreach ((long from, long to) in others._ranges.ToArray())
            Remove(from, to);
    }

    public bool Overlaps(long from, long to) => _ranges.Exists(r => r.From < to && from < r.To);
}
