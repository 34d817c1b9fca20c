namespace DmIo.Mapper;

/// <summary>
/// A run of another device some of whose blocks are bad once that is enabled: they cannot be read, and a write makes them
/// good, at once or after it has failed some times. A request with bad blocks is done block by block.
/// </summary>
internal sealed partial class DustTarget : LegTarget, IPartedTarget
{
    private readonly DustSpec _spec;
    private readonly TargetLeg _leg;
    private readonly long _sectorsPerBlock;
    private readonly PartedRequests _parted;
    private BadBlocks _bad = new();
    private bool _failsReads;
    private bool _isQuiet;

    public DustTarget(MappedDevice host, TableLine line, TargetLeg leg)
        : base(host, line, [leg])
    {
        _spec = (DustSpec)line.Target;
        _leg = leg;
        _sectorsPerBlock = _spec.BlockBytes >> Sectors.Shift;
        _parted = new PartedRequests(Loop, this);
    }

    public override string TableWords => $"{_leg.Shown} {_leg.Offset} {_spec.BlockBytes}";

    public override string StatusWords =>
        $"{_leg.Shown} {(_failsReads ? "fail_read_on_bad_block" : "bypass")} {(_isQuiet ? "quiet" : "verbose")}";

    public override object? State => new Told(_bad, _failsReads, _isQuiet);

    public override void TakeState(object state) => (_bad, _failsReads, _isQuiet) = (Told)state;

    public override void Map(BlockRequest request)
    {
        if (request.Operation == BlockOperation.Flush || !_failsReads || _bad.Count == 0 || !TouchesBad(request))
            Pass(request, _leg);
        else
            MapBlocks(request);
    }

    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken)
    {
        // What cannot be read must not be taken for zeroes without trying.
        return _failsReads && _bad.Count > 0
            ? await base.ReadExtentsAsync(start, count, cancellationToken)
            : Shift(await _leg.Device.ReadExtentsAsync(start + _leg.Offset, count, cancellationToken), _leg.Offset);
    }

    TargetLeg IPartedTarget.LegOf(int index) => _leg;

    Sectors IPartedTarget.BackOf(int leg, Sectors sector) => sector - _leg.Offset;

    void IPartedTarget.PartFailed(int leg, Errno error)
    {
    }

    // Blocks are counted on the device, from its first sector on.
    private long BlockOf(long sector) => (sector + _leg.Offset.Count) / _sectorsPerBlock;

    private bool TouchesBad(BlockRequest request) =>
        _bad.AnyIn(BlockOf(request.Start.Count), BlockOf(request.End.Count - 1));

    // The kernel cuts at blocks of the target and asks for the block on the device where a piece begins: when the offset is
    // no multiple of the block, these are not the same.
    private void MapBlocks(BlockRequest request)
    {
        PartedRequests.Parted parted = _parted.Begin(request);
        long end = request.End.Count;
        long good = request.Start.Count;
        for (long at = good; at < end;)
        {
            long next = Math.Min((at / _sectorsPerBlock + 1) * _sectorsPerBlock, end);
            if (Fails(request, BlockOf(at)))
            {
                Send(parted, request, good, at);
                parted.Fail(Errno.EIO, new Sectors(at));
                good = next;
            }
            at = next;
        }
        Send(parted, request, good, end);
        parted.End();
    }

    private void Send(PartedRequests.Parted parted, BlockRequest request, long from, long to)
    {
        if (to > from)
        {
            var start = new Sectors(from);
            parted.Add(0, start + _leg.Offset, new Sectors(to - from), start - request.Start);
        }
    }

    private bool Fails(BlockRequest request, long block)
    {
        if (!_bad.Contains(block))
            return false;
        if (!request.ChangesData || _bad.FailsWrite(block))
            return true;
        Tell($"block {block} removed from badblocklist by write");
        return false;
    }

    private void Tell(string what)
    {
        if (!_isQuiet)
            MapperLog.Dust(Host.Logger, Host.Name, what);
    }

    private sealed record Told(BadBlocks Bad, bool FailsReads, bool IsQuiet);
}
