namespace DmIo.Mapper;

/// <summary>
/// A check or repair of a mirror: where it is and what it has found. It outlives an interruption, so that the next one goes
/// on with it. Lives on the loop.
/// </summary>
internal sealed class ScrubRun(LegSet legs, Sectors chunk, bool isRepair, int? from)
{
    // Regions that are passed over before others may have the loop. Arbitrary: some tens of microseconds.
    private const int RegionsAtOnce = 4096;

    private readonly List<Sectors> _underWay = [];
    private readonly Queue<(Sectors Start, Sectors Count)> _putBack = new();
    private readonly RegionSet _lacked = new(legs.Regions);
    private readonly RegionSet _differing = new(legs.Regions);
    private readonly RegionSet _disturbed = new(legs.Regions);
    private Sectors _next;

    public bool IsRepair => isRepair;

    public int? From => from;

    public FoundRanges Found { get; } = new();

    /// <summary>Mismatches that were raised as events.</summary>
    public int Told { get; set; }

    /// <summary>Bits of the legs that were compared at any time.</summary>
    public ulong Compared { get; set; }

    /// <summary>Sectors of which legs were compared.</summary>
    public long ComparedSectors { get; set; }

    /// <summary>Sectors that are done, also those that were passed over.</summary>
    public long DoneSectors { get; private set; }

    public long LackedRegions => _lacked.Count;

    public long DifferingRegions => _differing.Count;

    public long DisturbedRegions => _disturbed.Count;

    public bool IsComplete => Position == legs.Length;

    /// <summary>Up to where everything is done.</summary>
    public Sectors Position
    {
        get
        {
            Sectors position = _next;
            foreach (Sectors start in _underWay)
                position = Sectors.Min(position, start);
            foreach ((Sectors start, _) in _putBack)
                position = Sectors.Min(position, start);
            return position;
        }
    }

    /// <summary>Bits of the legs that regions can be compared on: those of the set, if all of them hold all of it.</summary>
    public static ulong Comparable(LegSet legs, long first, long last)
    {
        if (legs.MayDiffer.ContainsAny(first, last))
            return 0;
        foreach (Leg leg in legs.Legs)
        {
            if (leg.IsInSet && leg.Lacks.ContainsAny(first, last))
                return 0;
        }
        return legs.Set;
    }

    /// <summary>Takes the next part to compare.</summary>
    /// <param name="start">Where it begins.</param>
    /// <param name="count">How long it is; zero: nothing yet, others shall have the loop first.</param>
    /// <returns>False when there is none left.</returns>
    public bool TryTake(out Sectors start, out Sectors count)
    {
        if (_putBack.TryDequeue(out (Sectors Start, Sectors Count) back))
        {
            (start, count) = back;
            _underWay.Add(start);
            return true;
        }
        for (int passed = 0; _next < legs.Length; passed++)
        {
            start = _next;
            long region = legs.RegionOf(start);
            if (passed == RegionsAtOnce)
            {
                count = Sectors.Zero;
                return true;
            }
            if (Comparable(legs, region, region) == 0)
            {
                Pass(region);
                _next = legs.StartOf(region + 1);
                DoneSectors += (_next - start).Count;
                continue;
            }
            Sectors end = Sectors.Min(new Sectors((start.Count / chunk.Count + 1) * chunk.Count), legs.Length);
            for (long next = region + 1; legs.StartOf(next) < end; next++)
            {
                if (Comparable(legs, next, next) == 0)
                    end = legs.StartOf(next);
            }
            count = end - start;
            _next = end;
            _underWay.Add(start);
            return true;
        }
        start = count = Sectors.Zero;
        return false;
    }

    /// <summary>Nothing was done of a part that was taken.</summary>
    public void PutBack(Sectors start, Sectors count)
    {
        _underWay.Remove(start);
        _putBack.Enqueue((start, count));
    }

    /// <summary>A part that was taken is done.</summary>
    public void Done(Sectors start, Sectors count)
    {
        _underWay.Remove(start);
        DoneSectors += count.Count;
    }

    /// <summary>A region is passed over, or what is left of it.</summary>
    public void Pass(long region)
    {
        if (legs.MayDiffer.Contains(region))
            _differing.Add(region);
        else
            _lacked.Add(region);
    }

    /// <summary>Regions could not be compared, since legs failed or left again and again.</summary>
    public void PassDisturbed(long first, long last)
    {
        for (long region = first; region <= last; region++)
            _disturbed.Add(region);
    }
}
