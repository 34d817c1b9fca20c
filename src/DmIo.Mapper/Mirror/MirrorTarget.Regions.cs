namespace DmIo.Mapper;

// What others may ask of ranges: where there is data, and which legs have it.
internal sealed partial class MirrorTarget
{
    public override bool CanZeroFast => _places.All(place => place.Device is MissingDevice || place.Device.CanZeroFast);

    /// <summary>Each run is told by the leg that it would be copied from: one that is right there.</summary>
    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken)
    {
        var extents = new List<BlockExtent>();
        Sectors end = start + count;
        while (start < end && !ExtentBound.IsReached(extents, end))
        {
            Leg? source = SourceAt(start, end, out Sectors next);
            count = next - start;
            if (source is null)
            {
                extents.Add(new BlockExtent(start, count, ExtentKind.Data));
            }
            else
            {
                extents.AddRange(Shift(
                    await source.Device.ReadExtentsAsync(start + source.Offset, count, cancellationToken),
                    source.Offset));
            }
            start = next;
        }
        return extents;
    }

    public override void ReadRegions(
        RegionQuestion question, Sectors start, Sectors count, int most, IList<RegionLegs> runs)
    {
        Sectors end = start + count;
        while (start < end && runs.Count < most)
        {
            Sectors next = end;
            long region = _legs.RegionOf(start);
            ulong legs = question == RegionQuestion.Lacks ? 0 : _legs.All & ~_legs.Set;
            if (_legs.IsInSync(region))
            {
                long other = _legs.NextOutOfSync(region);
                if (other >= 0)
                    next = Sectors.Min(end, _legs.StartOf(other));
            }
            else
            {
                next = Sectors.Min(end, _legs.StartOf(region + 1));
                legs |= Lacking(region);
            }
            if (question == RegionQuestion.CannotServe)
                legs |= UnreadableAt(start, ref next);
            runs.Add(new RegionLegs(start, next - start, legs));
            start = next;
        }
    }

    // Where holders may differ only one of them is right, and is read.
    private ulong Lacking(long region)
    {
        ulong lacking = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if (leg.Lacks.Contains(region))
                lacking |= leg.Bit;
        }
        if (!_legs.MayDiffer.Contains(region))
            return lacking;
        ulong holders = _legs.All & ~lacking;
        ulong readers = (holders & _legs.Set) != 0 ? holders & _legs.Set : holders;
        return _legs.All & ~(readers & (0 - readers));
    }

    private ulong UnreadableAt(Sectors start, ref Sectors next)
    {
        ulong legs = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if (leg.Unreadable.At(start, ref next))
                legs |= leg.Bit;
        }
        return legs;
    }

    private Leg? SourceAt(Sectors start, Sectors end, out Sectors next)
    {
        next = end;
        long region = _legs.RegionOf(start);
        long last = _legs.RegionOf(end - new Sectors(1));
        if (_legs.AreInSync(region, last) && _legs.Behind is null)
            return _legs.SourceOf(region, last);
        Leg? source = _legs.SourceOf(region, region);
        while (region < last && _legs.SourceOf(region + 1, region + 1) == source)
            region++;
        if (region < last)
            next = _legs.StartOf(region + 1);
        return source;
    }
}
