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
