namespace DmIo.Mapper;

/// <summary>Reads as zeroes; what is written is dropped.</summary>
internal sealed class ZeroTarget(MappedDevice host, TableLine line) : Target(host, line)
{
    public override IReadOnlyList<TargetLeg> Legs => [];

    public override Sectors DiscardLimit => Length;

    // The kernel's writes pages of zeroes, which it then drops.
    public override Sectors WriteZeroesLimit => Length;

    public override void Map(BlockRequest request)
    {
        if (request.Operation == BlockOperation.Read)
            request.Data.Clear();
        request.Complete(Loop);
    }

    public override ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken) =>
        new([new BlockExtent(start, count, ExtentKind.Hole)]);
}
