namespace DmIo.Mapper;

/// <summary>
/// What a check has found: ranges in order, neighbours of one kind joined, as many as are listed; and sums.
/// </summary>
internal sealed class FoundRanges
{
    private readonly List<ScrubMismatch> _mismatches = [];
    private readonly List<UnreadableRange> _unreadable = [];

    public long Differing { get; private set; }

    public long Repaired { get; private set; }

    public long Undecided { get; private set; }

    public long Failed { get; private set; }

    public long UnreadableSectors { get; private set; }

    public long Unlisted { get; private set; }

    public IReadOnlyList<ScrubMismatch> Mismatches => [.. _mismatches];

    public IReadOnlyList<UnreadableRange> Unreadable => [.. _unreadable];

    /// <returns>Whether it is listed.</returns>
    public bool Add(ScrubMismatch found)
    {
        long count = found.Count.Count;
        Differing += count;
        Repaired += found.Outcome == ScrubOutcome.Repaired ? count : 0;
        Undecided += found.Outcome == ScrubOutcome.Undecided ? count : 0;
        Failed += found.Outcome == ScrubOutcome.Failed ? count : 0;
        int at = PlaceOf(found.Start);
        if (at > 0 && Continues(_mismatches[at - 1], found))
        {
            _mismatches[at - 1] = _mismatches[at - 1] with { Count = _mismatches[at - 1].Count + found.Count };
        }
        else if (at < _mismatches.Count && Continues(found, _mismatches[at]))
        {
            _mismatches[at] = found with { Count = found.Count + _mismatches[at].Count };
        }
        else if (_mismatches.Count < ScrubReport.MaxListed)
        {
            _mismatches.Insert(at, found);
            return true;
        }
        else
        {
            Unlisted++;
        }
        return false;
    }

    public void Add(UnreadableRange found)
    {
        UnreadableSectors += found.Count.Count;
        int before = _unreadable.FindLastIndex(range => range.Leg == found.Leg && range.Start + range.Count == found.Start);
        if (before >= 0)
            _unreadable[before] = _unreadable[before] with { Count = _unreadable[before].Count + found.Count };
        else if (_unreadable.Count < ScrubReport.MaxListed)
            _unreadable.Insert(_unreadable.FindLastIndex(range => range.Start <= found.Start) + 1, found);
    }

    private int PlaceOf(Sectors start)
    {
        int low = 0;
        int high = _mismatches.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_mismatches[middle].Start < start)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private static bool Continues(ScrubMismatch first, ScrubMismatch next) =>
        first.End == next.Start && first.Outcome == next.Outcome && first.Groups.Count == next.Groups.Count
        && first.Groups.Zip(next.Groups).All(pair => pair.First.SequenceEqual(pair.Second));
}
