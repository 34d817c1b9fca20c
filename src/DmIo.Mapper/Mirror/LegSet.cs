namespace DmIo.Mapper;

/// <summary>
/// What a mirror knows of its legs: who is in the set, who is trusted, which one reads come from, and in which regions
/// which leg lacks data. Pure knowledge: it does no I/O. Lives on the volume's loop.
/// </summary>
internal sealed class LegSet
{
    private readonly Leg[] _legs;
    private readonly Sectors _length;
    private readonly int _regionShift;
    private long _outOfSync;

    public LegSet(Leg[] legs, Sectors length, Sectors regionSize)
    {
        _legs = legs;
        _length = length;
        _regionShift = System.Numerics.BitOperations.Log2((ulong)regionSize.Count);
        RegionSize = regionSize;
        Regions = CountRegions(length, regionSize);
        All = (1UL << legs.Length) - 1;
        Refresh();
    }

    public ReadOnlySpan<Leg> Legs => _legs;

    public Leg this[int index] => _legs[index];

    /// <summary>Bits of all legs of the table.</summary>
    public ulong All { get; }

    /// <summary>Bits of the legs that a write must reach.</summary>
    public ulong Set { get; private set; }

    /// <summary>Bits of the legs that hold everything that was acknowledged.</summary>
    public ulong Trusted { get; private set; }

    /// <summary>The leg that is right wherever legs may differ.</summary>
    public Leg Source { get; private set; } = null!;

    public Sectors RegionSize { get; }

    public long Regions { get; }

    /// <summary>Regions in which all legs of the table are identical.</summary>
    public long InSyncRegions => Regions - Volatile.Read(ref _outOfSync);

    /// <summary>Whether every leg of the set is identical everywhere.</summary>
    public bool IsWhole { get; private set; } = true;

    public static long CountRegions(Sectors length, Sectors regionSize) =>
        (length.Count + regionSize.Count - 1) / regionSize.Count;

    public long RegionOf(Sectors sector) => sector.Count >> _regionShift;

    public Sectors StartOf(long region) => Sectors.Min(new Sectors(region << _regionShift), _length);

    /// <summary>
    /// Sets the states with which the mirror starts; whoever is not the source and not in sync lacks all.
    /// </summary>
    public void Begin(ReadOnlySpan<LegState> states, int source)
    {
        Source = _legs[source];
        for (int i = 0; i < _legs.Length; i++)
        {
            _legs[i].State = states[i];
            if (i != source && states[i] != LegState.InSync)
                MarkLacking(_legs[i].Bit, Sectors.Zero, _length);
        }
        Refresh();
    }

    /// <summary>Notes that legs are not known to be identical to the source in a range.</summary>
    public void MarkLacking(ulong legs, Sectors start, Sectors count)
    {
        if (count == Sectors.Zero)
            return;
        long last = RegionOf(start + count - new Sectors(1));
        foreach (Leg leg in _legs)
        {
            if ((legs & leg.Bit) == 0)
                continue;
            for (long region = RegionOf(start); region <= last; region++)
                Lack(leg, region);
        }
        if ((legs & Set) != 0)
            Refresh();
    }

    /// <summary>Notes that legs have become identical to the source in regions.</summary>
    public void MarkCopied(ulong legs, long firstRegion, long lastRegion)
    {
        for (long region = firstRegion; region <= lastRegion; region++)
        {
            foreach (Leg leg in _legs)
            {
                if ((legs & leg.Bit) != 0 && leg.Lacks.Remove(region) && !LacksAnyone(region))
                    _outOfSync--;
            }
        }
        Refresh();
    }

    /// <summary>Takes a leg out of the set.</summary>
    /// <returns>True when it was the source and another leg, which was trusted, is that now.</returns>
    public bool Drop(Leg leg)
    {
        leg.State = LegState.Stale;
        Refresh();
        if (leg != Source)
            return false;
        Leg next = FirstIn(LegState.InSync) ?? FirstIn(LegState.MayDiffer)
            ?? throw new InvalidOperationException("The last trusted leg is never dropped.");
        Source = next;
        next.State = LegState.InSync;
        // Where the new source may have differed from the old one, everyone may differ from the new one.
        for (long region = next.Lacks.NextFrom(0); region >= 0; region = next.Lacks.NextFrom(region + 1))
        {
            foreach (Leg other in _legs)
            {
                if (other != next)
                    Lack(other, region);
            }
        }
        next.Lacks.Clear();
        Refresh();
        return true;
    }

    /// <summary>Declares a leg of the set, that lacks nothing any more, in sync.</summary>
    public void Join(Leg leg)
    {
        leg.State = LegState.InSync;
        Refresh();
    }

    /// <summary>
    /// The leg to read a range from: the source where legs may differ, otherwise the first that has shown no read
    /// error. A leg that lacks data there is never chosen; one that may differ only when no other is left.
    /// </summary>
    /// <returns>Null when every leg that has the data was tried.</returns>
    public Leg? PickReader(Sectors start, Sectors count, ulong tried)
    {
        if ((tried & Source.Bit) == 0 && (!IsWhole || (Source.Errors & LegErrors.Read) == 0))
            return Source;
        long first = RegionOf(start);
        long last = RegionOf(start + count - new Sectors(1));
        Leg? choice = null;
        int best = int.MaxValue;
        foreach (Leg leg in _legs)
        {
            if ((tried & leg.Bit) != 0 || !leg.IsInSet)
                continue;
            bool lacks = leg.Lacks.ContainsAny(first, last);
            if (lacks && !leg.IsTrusted)
                continue;
            int rank = (lacks ? 2 : 0) + ((leg.Errors & LegErrors.Read) != 0 ? 1 : 0);
            if (rank >= best)
                continue;
            best = rank;
            choice = leg;
        }
        return choice;
    }

    /// <summary>
    /// The first region from <paramref name="region"/> on that a leg of the set lacks; -1 when there is none.
    /// </summary>
    public long NextLacking(long region)
    {
        long next = -1;
        foreach (Leg leg in _legs)
        {
            if (leg.IsInSet && leg.Lacks.NextFrom(region) is var found and >= 0 && (next < 0 || found < next))
                next = found;
        }
        return next;
    }

    /// <summary>Bits of the legs of the set that lack something from the first region to the last.</summary>
    public ulong LackingIn(long firstRegion, long lastRegion)
    {
        ulong lacking = 0;
        foreach (Leg leg in _legs)
        {
            if (leg.IsInSet && leg.Lacks.ContainsAny(firstRegion, lastRegion))
                lacking |= leg.Bit;
        }
        return lacking;
    }

    private Leg? FirstIn(LegState state)
    {
        foreach (Leg leg in _legs)
        {
            if (leg.State == state)
                return leg;
        }
        return null;
    }

    private void Lack(Leg leg, long region)
    {
        bool alone = !LacksAnyone(region);
        if (leg.Lacks.Add(region) && alone)
            _outOfSync++;
    }

    private bool LacksAnyone(long region)
    {
        foreach (Leg leg in _legs)
        {
            if (leg.Lacks.Contains(region))
                return true;
        }
        return false;
    }

    private void Refresh()
    {
        ulong set = 0;
        ulong trusted = 0;
        bool whole = true;
        foreach (Leg leg in _legs)
        {
            if (!leg.IsInSet)
                continue;
            set |= leg.Bit;
            if (leg.IsTrusted)
                trusted |= leg.Bit;
            whole &= leg.Lacks.Count == 0;
        }
        Set = set;
        Trusted = trusted;
        IsWhole = whole;
    }
}
