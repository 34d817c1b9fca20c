namespace DmIo.Nbd.Tests;

/// <summary>
/// A device of any size without memory: it reads as zeroes and forgets what is written. Every other GiB is a hole.
/// </summary>
internal sealed class EndlessDevice(IoLoop loop, long lengthBytes) : OrderedDevice(loop)
{
    private const long PieceSectors = 1 << 21;

    public override string Name => "endless";

    public override Sectors Length => Sectors.FromBytes(lengthBytes);

    public override Sectors DiscardLimit => Length;

    public override Sectors WriteZeroesLimit => Length;

    public override bool CanZeroFast => true;

    public override ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken = default)
    {
        var extents = new List<BlockExtent>();
        Sectors end = start + count;
        for (Sectors at = start; at < end;)
        {
            long piece = at.Count / PieceSectors;
            var to = Sectors.Min(end, new Sectors((piece + 1) * PieceSectors));
            extents.Add(new BlockExtent(at, to - at, piece % 2 == 0 ? ExtentKind.Hole : ExtentKind.Data));
            at = to;
        }
        return new(extents);
    }

    protected override void Start(BlockRequest request)
    {
        if (request.Operation == BlockOperation.Read)
            request.Data.Clear();
        request.Complete(Loop);
    }
}
