namespace DmIo.Mapper;

/// <summary>Ranges of a leg that could not be read and have not been repaired. Few at a time.</summary>
internal sealed class BadRanges
{
    private readonly List<(Sectors Start, Sectors End)> _ranges = [];

    public int Count => _ranges.Count;

    public bool Overlaps(Sectors start, Sectors count)
    {
        foreach ((Sectors first, Sectors end) in _ranges)
        {
            if (first < start + count && start < end)
                return true;
        }
        return false;
    }

    /// <summary>Whether a sector lies in a range.</summary>
    /// <param name="sector">The sector.</param>
    /// <param name="next">Brought nearer, to where that is no longer so.</param>
    public bool At(Sectors sector, ref Sectors next)
    {
        bool isIn = false;
        foreach ((Sectors first, Sectors end) in _ranges)
        {
            if (first <= sector && sector < end)
            {
                isIn = true;
                next = Sectors.Min(next, end);
            }
            else if (first > sector)
            {
                next = Sectors.Min(next, first);
            }
        }
        return isIn;
    }

    /// <returns>False when the range was known already.</returns>
    public bool Add(Sectors start, Sectors count)
    {
        if (_ranges.Contains((start, start + count)))
            return false;
        _ranges.Add((start, start + count));
        return true;
    }

    public void Remove(Sectors start, Sectors count) => _ranges.Remove((start, start + count));

    public void Clear() => _ranges.Clear();
}
