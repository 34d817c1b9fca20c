namespace DmIo.Mapper;

/// <summary>Walks the regions that have to be copied, in runs that have the same source and targets.</summary>
internal sealed class RecoveryCursor(LegSet legs)
{
    // How much one worker takes at once. Arbitrary: long enough that holes are passed over quickly, short enough that what
    // is under way when the set of legs changes is soon done again.
    private static readonly Sectors s_longest = Sectors.FromBytes(32 << 20);

    private long _next;

    /// <summary>Takes the next run; false when the end is reached.</summary>
    public bool TryNext(Func<long, bool> isBusy, out RecoverySpan? span)
    {
        span = null;
        long first = Next(isBusy);
        if (first < 0)
            return false;
        Leg? source = legs.SourceOf(first, first);
        long last = first;
        if (source is not null)
        {
            ulong targets = legs.TargetsOf(first, first, source);
            long most = Math.Max(1, s_longest.Count / legs.RegionSize.Count);
            while (last + 1 - first < most && last + 1 < legs.Regions && legs.NextToCopy(last + 1) == last + 1
                && !isBusy(last + 1) && legs.SourceOf(last + 1, last + 1) == source
                && legs.TargetsOf(last + 1, last + 1, source) == targets)
            {
                last++;
            }
        }
        _next = last + 1;
        span = new RecoverySpan(first, last);
        return true;
    }

    private long Next(Func<long, bool> isBusy)
    {
        long region = legs.NextToCopy(_next);
        while (region >= 0 && isBusy(region))
            region = legs.NextToCopy(region + 1);
        return region;
    }
}
