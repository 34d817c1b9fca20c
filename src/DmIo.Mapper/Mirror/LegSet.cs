using System.Numerics;

namespace DmIo.Mapper;

/// <summary>
/// What a mirror knows of its legs: who is in the set, which leg lacks which regions, and where those that lack nothing
/// may yet differ. Pure knowledge: it does no I/O. Lives on the volume's loop.
/// </summary>
/// <remarks>
/// A leg <em>holds</em> a region when it has everything there that was acknowledged. Whoever holds a region is identical
/// in it to the other holders, unless the region <em>may differ</em>: then writes that nobody acknowledged may be on some
/// of them, and one holder, the lowest, is right until the others are made like it.
/// </remarks>
internal sealed class LegSet
{
    private readonly Leg[] _legs;
    private readonly Sectors _length;
    private readonly int _regionShift;
    private readonly RegionSet _outOfSync;
    private long _outOfSyncCount;

    public LegSet(Leg[] legs, Sectors length, Sectors regionSize)
    {
        _legs = legs;
        _length = length;
        _regionShift = BitOperations.Log2((ulong)regionSize.Count);
        RegionSize = regionSize;
        Regions = CountRegions(length, regionSize);
        All = (1UL << legs.Length) - 1;
        MayDiffer = new RegionSet(Regions);
        Rewrite = new RegionSet(Regions);
        GivenUp = new RegionSet(Regions);
        _outOfSync = new RegionSet(Regions);
        Refresh();
    }

    public ReadOnlySpan<Leg> Legs => _legs;

    public Leg this[int index] => _legs[index];

    /// <summary>Bits of all legs of the table.</summary>
    public ulong All { get; }

    /// <summary>Bits of the legs that a write must reach.</summary>
    public ulong Set { get; private set; }

    /// <summary>Grows whenever a leg leaves the set or enters it.</summary>
    public int Version { get; private set; }

    public Sectors RegionSize { get; }

    public Sectors Length => _length;

    public long Regions { get; }

    /// <summary>Regions in which holders may differ.</summary>
    public RegionSet MayDiffer { get; }

    /// <summary>
    /// Those of them where even the right leg may not hold durably what it is read to hold: a flush failed, and the system
    /// takes what it could not write for written. Recovery writes it to that leg too.
    /// </summary>
    public RegionSet Rewrite { get; }

    /// <summary>
    /// Regions whose newest contents were given up by a forced start: only diverged legs have them.
    /// </summary>
    public RegionSet GivenUp { get; }

    /// <summary>Regions in which all legs of the table are identical. From any thread.</summary>
    public long InSyncRegions => Regions - Volatile.Read(ref _outOfSyncCount);

    /// <summary>
    /// Bits of the legs that are behind with a write to some regions that was answered: they do not hold them yet.
    /// </summary>
    public Func<long, long, ulong>? Behind { get; set; }

    /// <summary>
    /// Bits of the legs that have failed a flush of which the rest is under way: what they have forgotten is not known
    /// yet, and they stand in for no other.
    /// </summary>
    public ulong Forgetful { get; set; }

    /// <summary>Whether a leg of the set alone has a write that was answered.</summary>
    public Func<Leg, bool>? AloneHasWrites { get; set; }

    /// <inheritdoc cref="EngineFaults.DropsLastHolder"/>
    public bool DropsLastHolder { get; init; }

    /// <summary>Whether every leg of the table holds everything and none differs.</summary>
    public bool IsWhole => _outOfSync.Count == 0;

    public static long CountRegions(Sectors length, Sectors regionSize) =>
        (length.Count + regionSize.Count - 1) / regionSize.Count;

    public long RegionOf(Sectors sector) => sector.Count >> _regionShift;

    public Sectors StartOf(long region) => Sectors.Min(new Sectors(region << _regionShift), _length);

    /// <summary>The last region that a range touches.</summary>
    public long LastOf(Sectors start, Sectors count) => RegionOf(start + count - new Sectors(1));

    /// <summary>Whether all legs of the table are identical in a region.</summary>
    public bool IsInSync(long region) => !_outOfSync.Contains(region);

    /// <summary>Whether all legs of the table are identical in all of a range.</summary>
    public bool AreInSync(long first, long last) => _outOfSync.Count == 0 || !_outOfSync.ContainsAny(first, last);

    /// <summary>The first region from one on in which not all legs are identical; -1 when there is none.</summary>
    public long NextOutOfSync(long region) => _outOfSync.NextFrom(region);

    /// <summary>Takes note that a leg lacks what was written to a region.</summary>
    /// <exception cref="InvalidOperationException">It was the last that held it: a bug of the caller's.</exception>
    public void Lack(Leg leg, long region)
    {
        if (IsLastHolder(leg, region))
            throw new InvalidOperationException($"leg {leg.Index} is the last that holds region {region}");
        leg.Lacks.Add(region);
        OutOfSync(region);
    }

    /// <summary>Takes note that the holders of a region may differ.</summary>
    public void Differ(long region)
    {
        MayDiffer.Add(region);
        OutOfSync(region);
    }

    /// <summary>
    /// Takes note that legs, which may have lacked a region, are like its source now; with <paramref name="alike"/> all
    /// holders are.
    /// </summary>
    public void Recovered(ulong legs, long region, bool alike)
    {
        foreach (Leg leg in _legs)
        {
            if ((legs & leg.Bit) != 0)
                leg.Lacks.Remove(region);
        }
        if (alike)
        {
            MayDiffer.Remove(region);
            Rewrite.Remove(region);
        }
        if (MayDiffer.Contains(region) || LacksAnyone(region) || !_outOfSync.Remove(region))
            return;
        Volatile.Write(ref _outOfSyncCount, _outOfSync.Count);
    }

    /// <summary>Counts anew after sets were filled as a whole.</summary>
    public void Refresh()
    {
        _outOfSync.Clear();
        _outOfSync.UnionWith(MayDiffer);
        ulong set = 0;
        foreach (Leg leg in _legs)
        {
            _outOfSync.UnionWith(leg.Lacks);
            if (leg.IsInSet)
                set |= leg.Bit;
        }
        Set = set;
        Version++;
        Volatile.Write(ref _outOfSyncCount, _outOfSync.Count);
    }

    /// <summary>
    /// Whether a leg can do without being written: every region that it holds has another holder in the set.
    /// </summary>
    public bool CanLeave(Leg leaving)
    {
        ulong rest = Set & ~leaving.Bit & ~Forgetful;
        if (rest == 0 || DropsLastHolder)
            return DropsLastHolder;
        if (AloneHasWrites?.Invoke(leaving) == true)
            return false;
        foreach (Leg leg in _legs)
        {
            if ((rest & leg.Bit) != 0 && leg.Lacks.Count == 0)
                return true;
        }
        int words = (int)((Regions + 63) >> 6);
        for (int i = 0; i < words; i++)
        {
            ulong lackedByRest = ulong.MaxValue;
            foreach (Leg leg in _legs)
            {
                if ((rest & leg.Bit) != 0)
                    lackedByRest &= leg.Lacks.Count == 0 ? 0 : leg.Lacks.Words[i];
            }
            ulong lackedByLeaving = leaving.Lacks.Count == 0 ? 0 : leaving.Lacks.Words[i];
            if ((lackedByRest & ~lackedByLeaving) != 0)
                return false;
        }
        return true;
    }

    /// <summary>
    /// The first region that no other leg of the set holds as this one does; -1 when the others hold all of them.
    /// </summary>
    public long HeldOnlyBy(Leg leg)
    {
        for (long region = 0; region < Regions; region++)
        {
            if (!leg.Lacks.Contains(region) && (HoldersOf(region, region) & Set & ~leg.Bit) == 0)
                return region;
        }
        return -1;
    }

    /// <summary>The regions that no other leg of the set holds as this one does.</summary>
    public RegionSet HeldAlone(Leg leg)
    {
        var alone = new RegionSet(Regions);
        alone.Fill();
        alone.ExceptWith(leg.Lacks);
        foreach (Leg other in _legs)
        {
            if (other.IsInSet && other != leg)
                alone.IntersectWith(other.Lacks);
        }
        return alone;
    }

    /// <summary>
    /// Takes a leg out of the set. Where holders may differ it stops being one, so that what is right stays right when it
    /// comes back.
    /// </summary>
    public void Leave(Leg leg)
    {
        leg.IsInSet = false;
        for (long region = MayDiffer.NextFrom(0); region >= 0; region = MayDiffer.NextFrom(region + 1))
            Lack(leg, region);
        Set &= ~leg.Bit;
        Version++;
    }

    /// <summary>Lets a leg take writes again; what it lacks is still to be copied.</summary>
    public void Enter(Leg leg)
    {
        leg.IsInSet = true;
        Set |= leg.Bit;
        Version++;
    }

    /// <summary>Bits of the legs, in the set or not, that hold all of a range of regions and are there.</summary>
    public ulong HoldersOf(long first, long last)
    {
        ulong holders = NotLacking(first, last);
        return Behind is null ? holders : holders & ~Behind(first, last);
    }

    /// <summary>The same, whether or not they are behind with writes that are still under way.</summary>
    public ulong NotLacking(long first, long last)
    {
        ulong holders = 0;
        foreach (Leg leg in _legs)
        {
            if (leg.IsPresent && !leg.Lacks.ContainsAny(first, last))
                holders |= leg.Bit;
        }
        return holders;
    }

    /// <summary>
    /// Bits of the legs that a read of a region may come from: all holders, or the one that is right where they differ.
    /// Legs of the set go before others; some are not asked.
    /// </summary>
    public ulong ReadersOf(long region, ulong except)
    {
        ulong holders = HoldersOf(region, region) & ~except;
        ulong inSet = holders & Set;
        ulong readers = inSet != 0 ? inSet : holders;
        return MayDiffer.Contains(region) ? readers & (0 - readers) : readers;
    }

    /// <summary>
    /// The leg that regions are copied from: the lowest of those that hold all of them; null when there is none.
    /// </summary>
    public Leg? SourceOf(long first, long last)
    {
        ulong holders = HoldersOf(first, last);
        ulong readers = (holders & Set) != 0 ? holders & Set : holders;
        return readers == 0 ? null : _legs[BitOperations.TrailingZeroCount(readers)];
    }

    /// <summary>Those of some legs that may come to lack a region, since others of the set hold it.</summary>
    public ulong Dispensable(ulong some, long region)
    {
        ulong holders = HoldersOf(region, region) & Set;
        return (holders & ~some & ~Forgetful) != 0 ? some : some & ~holders;
    }

    /// <summary>A leg, of the set if there is one, that holds regions and is not among some; null when there is none.</summary>
    public Leg? HolderBut(ulong tried, long first, long last)
    {
        ulong holders = HoldersOf(first, last) & ~tried;
        if ((holders & Set) != 0)
            holders &= Set;
        return holders == 0 ? null : _legs[BitOperations.TrailingZeroCount(holders)];
    }

    /// <summary>Bits of the legs of the set that must be made like the source in some of the regions.</summary>
    public ulong TargetsOf(long first, long last, Leg source)
    {
        if (Rewrite.ContainsAny(first, last))
            return Set;
        if (MayDiffer.ContainsAny(first, last))
            return Set & ~source.Bit;
        ulong targets = 0;
        foreach (Leg leg in _legs)
        {
            if (leg.IsInSet && leg != source && leg.Lacks.ContainsAny(first, last))
                targets |= leg.Bit;
        }
        return targets;
    }

    /// <summary>
    /// The first region from <paramref name="region"/> on that has to be copied to a leg of the set; -1 when there is none.
    /// </summary>
    public long NextToCopy(long region)
    {
        long next = MayDiffer.NextFrom(region);
        foreach (Leg leg in _legs)
        {
            if (leg.IsInSet && leg.Lacks.NextFrom(region) is var found and >= 0 && (next < 0 || found < next))
                next = found;
        }
        return next;
    }

    /// <summary>How many regions have to be copied, at most.</summary>
    public long CountToCopy()
    {
        long most = MayDiffer.Count;
        foreach (Leg leg in _legs)
        {
            if (leg.IsInSet)
                most = Math.Max(most, leg.Lacks.Count);
        }
        return most;
    }

    private void OutOfSync(long region)
    {
        if (_outOfSync.Add(region))
            Volatile.Write(ref _outOfSyncCount, _outOfSync.Count);
    }

    private bool IsLastHolder(Leg leg, long region)
    {
        if (leg.Lacks.Contains(region))
            return false;
        foreach (Leg other in _legs)
        {
            if (other != leg && !other.Lacks.Contains(region))
                return false;
        }
        return true;
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
}
