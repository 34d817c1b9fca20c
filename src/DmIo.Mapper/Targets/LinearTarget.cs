namespace DmIo.Mapper;

/// <summary>A run of another device.</summary>
internal sealed class LinearTarget(MappedDevice host, TableLine line, TargetLeg leg) : LegTarget(host, line, [leg])
{
    public override Sectors WriteZeroesLimit => leg.Device.WriteZeroesLimit;

    public override bool CanZeroFast => leg.Device.CanZeroFast;

    public override string TableWords => $"{leg.Shown} {leg.Offset}";

    public override void Map(BlockRequest request) => Pass(request, leg);

    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken) =>
        Shift(await leg.Device.ReadExtentsAsync(start + leg.Offset, count, cancellationToken), leg.Offset);

    public override void ReadRegions(
        RegionQuestion question, Sectors start, Sectors count, int most, IList<RegionLegs> runs)
    {
        if (leg.Device is not IRegionStates device)
        {
            base.ReadRegions(question, start, count, most, runs);
            return;
        }
        int from = runs.Count;
        device.ReadRegions(question, start + leg.Offset, count, most, runs);
        for (int i = from; i < runs.Count; i++)
            runs[i] = runs[i] with { Start = runs[i].Start - leg.Offset };
    }
}
