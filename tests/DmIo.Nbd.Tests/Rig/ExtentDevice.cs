namespace DmIo.Nbd.Tests;

/// <summary>A device of any size without memory, which tells the extents that a test says. Lives on its loop.</summary>
internal sealed class ExtentDevice(IoLoop loop, long lengthBytes) : OrderedDevice(loop)
{
    /// <summary>What <see cref="ReadExtentsAsync"/> tells; null: all of it is a hole.</summary>
    public Func<Sectors, Sectors, ValueTask<IReadOnlyList<BlockExtent>>>? Extents { get; set; }

    /// <summary>What it was asked, in order.</summary>
    public List<(Sectors Start, Sectors Count)> Asked { get; } = [];

    public override string Name => "extents";

    public override Sectors Length => Sectors.FromBytes(lengthBytes);

    public override ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken = default)
    {
        Asked.Add((start, count));
        return Extents?.Invoke(start, count) ?? new([new BlockExtent(start, count, ExtentKind.Hole)]);
    }

    protected override void Start(BlockRequest request) => request.Complete(Loop);
}
