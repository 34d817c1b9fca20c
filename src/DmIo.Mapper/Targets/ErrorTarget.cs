namespace DmIo.Mapper;

/// <summary>Everything fails with EIO.</summary>
internal sealed class ErrorTarget(MappedDevice host, TableLine line) : Target(host, line)
{
    public override IReadOnlyList<TargetLeg> Legs => [];

    // Taken, and failed, like everything else.
    public override Sectors DiscardLimit => Length;

    public override Sectors WriteZeroesLimit => Length;

    public override void Map(BlockRequest request) => request.Complete(Loop, Errno.EIO, request.Start);

    public override ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken) =>
        throw new IOException($"{Host.Name}: sectors {Begin + start} on lie on an error target.");
}
