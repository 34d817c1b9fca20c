namespace DmIo.Mapper;

// What there is to know of the legs.
internal sealed partial class MirrorTarget
{
    /// <summary>What is known of each leg. From any thread.</summary>
    internal IEnumerable<LegFacts> Facts => _legs.Legs.ToArray().Select(leg => new LegFacts
    {
        MirrorBegin = Begin,
        Index = leg.Index,
        Device = leg.Place.Argument,
        Health = leg.Letter,
        IsInSet = leg.IsInSet,
        IsPresent = leg.IsPresent,
        IsFailedByHand = leg.IsFailedByHand,
        Regions = _legs.Regions,
        LackedRegions = leg.Lacks.Count,
        DifferingRegions = _legs.MayDiffer.Count,
        LastFailure = leg.LastFailure,
        Reads = leg.Meter.Reads.Snapshot(),
        Writes = leg.Meter.Writes.Snapshot(),
    });

    /// <summary>The regions in few cells.</summary>
    internal RegionState[] MapRegions(int cells) => RegionMap.Of(_legs, _uses, _recovery.UnderWay, cells);

    /// <summary>A leg has ended its part of a client's change.</summary>
    internal void WriteEnded(MirrorWrite write, int region, bool failed)
    {
        Leg leg = LegOf(write.Asked, region);
        leg.Meter.WriteEnded(write.BeganAt, write.Regions[region].Count.Bytes);
        if (failed)
            leg.Meter.Writes.Failed();
    }
}
