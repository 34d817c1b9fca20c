namespace DmIo.Mapper;

// The way of a request to the targets whose lines it touches.
public sealed partial class MappedDevice
{
    private SplitRequest? _freeSplit;

    /// <inheritdoc/>
    protected override void Start(BlockRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (_stopped)
            request.Complete(Loop, Errno.ESHUTDOWN, request.Start);
        else if (_targets.Length == 1 && (request.Flags & BlockFlags.Preflush) == 0)
            _targets[0].Map(request);
        else
            StartSplit(request);
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken = default)
    {
        if (IsSuspended)
            return await base.ReadExtentsAsync(start, count, cancellationToken);
        var extents = new List<BlockExtent>();
        Sectors end = start + count;
        // Another table may come meanwhile; what these tell was true when it was asked.
        Target[] targets = _targets;
        for (int i = FindTarget(start); i < targets.Length && targets[i].Begin < end; i++)
        {
            Target target = targets[i];
            Sectors from = Sectors.Max(start, target.Begin);
            Sectors length = Sectors.Min(end, target.Begin + target.Length) - from;
            IReadOnlyList<BlockExtent> part =
                await target.ReadExtentsAsync(from - target.Begin, length, cancellationToken);
            foreach (BlockExtent extent in part)
                extents.Add(extent with { Start = extent.Start + target.Begin });
            if (ExtentBound.IsReached(extents, end))
                break;
        }
        return extents;
    }

    private void StartSplit(BlockRequest request)
    {
        SplitRequest split = _freeSplit ?? new SplitRequest(this);
        _freeSplit = split.NextFree;
        split.Start(request);
    }

    // The last target that begins at or before a sector.
    private int FindTarget(Sectors sector)
    {
        int low = 0;
        int high = _targets.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_targets[middle].Begin <= sector)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }

    /// <summary>A request that several targets serve, or that a flush must precede. Pooled by its device.</summary>
    private sealed class SplitRequest(MappedDevice device)
    {
        private BlockRequest _original = null!;
        private Part? _freePart;
        private int _outstanding;
        private bool _flushing;
        private Errno _error;
        private Sectors _failedAt;
        private BlockFailure? _failure;

        public SplitRequest? NextFree { get; private set; }

        public void Start(BlockRequest original)
        {
            _original = original;
            _error = Errno.None;
            _failure = null;
            _failedAt = original.End;
            _flushing = original.Operation == BlockOperation.Flush || (original.Flags & BlockFlags.Preflush) != 0;
            if (_flushing)
                Flush();
            else
                Transfer();
        }

        public void Finished(Part part)
        {
            if (part.Error != Errno.None)
            {
                Sectors failedAt = part.FailedAt + part.Target!.Begin;
                if (_error == Errno.None || failedAt < _failedAt)
                {
                    _error = part.Error;
                    _failedAt = failedAt;
                    _failure = part.Failure;
                }
            }
            PartDone();
        }

        public BlockRequest Original => _original;

        public void Recycle(Part part)
        {
            part.Data = default;
            part.NextFree = _freePart;
            _freePart = part;
        }

        private void PartDone()
        {
            if (--_outstanding > 0)
                return;
            if (_flushing && _error == Errno.None && _original.Operation != BlockOperation.Flush)
            {
                _flushing = false;
                Transfer();
                return;
            }
            BlockRequest original = _original;
            _original = null!;
            NextFree = device._freeSplit;
            device._freeSplit = this;
            original.Complete(device.Loop, _error, _error == Errno.None ? Sectors.Zero : _failedAt, _failure);
        }

        private void Flush()
        {
            // One for the dispatch itself.
            _outstanding = 1;
            foreach (Target target in device._targets)
                Send(target, BlockOperation.Flush, BlockFlags.None, Sectors.Zero, Sectors.Zero, default);
            PartDone();
        }

        private void Transfer()
        {
            _outstanding = 1;
            BlockFlags flags = _original.Flags & ~BlockFlags.Preflush;
            Sectors end = _original.End;
            Target[] targets = device._targets;
            for (int i = device.FindTarget(_original.Start); i < targets.Length && targets[i].Begin < end; i++)
            {
                Target target = targets[i];
                Sectors from = Sectors.Max(_original.Start, target.Begin);
                Sectors count = Sectors.Min(end, target.Begin + target.Length) - from;
                IoVector data = _original.Operation <= BlockOperation.Write
                    ? _original.Data.Slice((from - _original.Start).Bytes, count.Bytes)
                    : default;
                Send(target, _original.Operation, flags, from - target.Begin, count, data);
            }
            PartDone();
        }

        private void Send(
            Target target, BlockOperation operation, BlockFlags flags, Sectors start, Sectors count, IoVector data)
        {
            Part part = _freePart ?? new Part(this);
            _freePart = part.NextFree;
            part.Target = target;
            part.Operation = operation;
            part.Flags = flags;
            part.Start = start;
            part.Count = count;
            part.Data = data;
            _outstanding++;
            target.Map(part);
        }
    }

    /// <summary>The part of a split request that one target serves.</summary>
    private sealed class Part(SplitRequest split) : BlockRequest
    {
        public Target? Target { get; set; }

        public Part? NextFree { get; set; }

        protected override void Completed()
        {
            if (!PassHoldTo(split.Original))
                Unheld();
            split.Finished(this);
        }

        protected override void Unheld() => split.Recycle(this);
    }
}
