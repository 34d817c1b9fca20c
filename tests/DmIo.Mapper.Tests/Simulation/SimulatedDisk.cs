namespace DmIo.Mapper.Tests;

/// <summary>
/// One opening of a <see cref="SimulatedMedia"/> on a loop: the block device of one life of the program. After
/// <see cref="SimulatedMedia.PowerCut"/> or <see cref="SimulatedMedia.Kill"/> it is dead: it takes requests and completes
/// none. What is under way when it is disposed of goes on.
/// </summary>
internal sealed class SimulatedDisk : BlockDevice
{
    private readonly int _life;
    private readonly Stack<DiskOperation> _free = new();

    internal SimulatedDisk(SimulatedMedia media, IoLoop loop)
        : base(loop)
    {
        Media = media;
        _life = media.Life;
    }

    public SimulatedMedia Media { get; }

    public override string Name => Media.Name;

    public override Sectors Length => Media.Length;

    public override int LogicalBlockBytes => Media.BlockBytes;

    public override Sectors DiscardLimit => Media.DiscardLimit;

    public override Sectors WriteZeroesLimit => Media.WriteZeroesLimit;

    /// <summary>Whether the life of this opening has ended.</summary>
    public bool IsDead => Media.Life != _life;

    public override void Submit(BlockRequest request)
    {
        if (IsDead)
            return;
        Errno refusal = Refusal(request);
        Media.Story?.Add($"{Name} {request.Operation} {request.Start}+{request.Count} {request.Flags} {Told(refusal)}");
        if (refusal != Errno.None)
        {
            request.Complete(Loop, refusal, request.Start);
            return;
        }
        if (!_free.TryPop(out DiskOperation? operation))
            operation = new DiskOperation(this);
        operation.Start(request);
    }

    /// <summary>Tells extents after the time that an operation takes; it hangs, fails and vanishes as a read does.</summary>
    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken = default)
    {
        var probe = new ExtentsProbe(this, start, count);
        Submit(probe);
        return await probe.Task;
    }

    internal void Return(DiskOperation operation) => _free.Push(operation);

    private static string Told(Errno refusal) => refusal == Errno.None ? "" : $"refused: {refusal}";

    private Errno Refusal(BlockRequest request)
    {
        if (request is not ExtentsProbe && Validate(request) is not Errno.None and var invalid)
            return invalid;
        if (Media.IsGone)
        {
            Media.Coverage.Count(DiskEvent.GoneRefused);
            return Errno.ENXIO;
        }
        return request.Operation switch
        {
            BlockOperation.Discard => LimitRefusal(request, DiscardLimit, DiskEvent.DiscardError),
            BlockOperation.WriteZeroes => LimitRefusal(request, WriteZeroesLimit, DiskEvent.ZeroesError),
            _ => Errno.None,
        };
    }

    private Errno LimitRefusal(BlockRequest request, Sectors limit, DiskEvent what)
    {
        if (request.Count <= limit)
            return Errno.None;
        Media.Coverage.Count(what);
        return limit == Sectors.Zero ? Errno.EOPNOTSUPP : Errno.EINVAL;
    }
}
