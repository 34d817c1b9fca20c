namespace DmIo.Mapper;

/// <summary>A run of another device.</summary>
internal sealed class LinearTarget(MappedDevice host, TableLine line, TargetLeg leg) : LegTarget(host, line, [leg])
{
    public override Sectors WriteZeroesLimit => leg.Device.WriteZeroesLimit;

    public override string TableWords => $"{leg.Shown} {leg.Offset}";

    public override void Map(BlockRequest request) => Pass(request, leg);

    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken) =>
        Shift(await leg.Device.ReadExtentsAsync(start + leg.Offset, count, cancellationToken), leg.Offset);
}
