namespace DmIo.Mapper;

// The way of what must reach every leg: changes and flushes.
internal sealed partial class MirrorTarget
{
    private readonly IoRegion[] _scratch;
    private readonly Queue<BlockRequest> _beforeOpen = new();
    private readonly Queue<MirrorWrite> _unrecorded = new();
    private MirrorWrite? _freeWrite;

    public override void Map(BlockRequest request)
    {
        _inFlight++;
        if (request.Operation == BlockOperation.Read)
        {
            StartRead(request);
        }
        else if (request.ChangesData && !_record.IsOpen)
        {
            // The file must say that writes are in flight before the first leg is touched.
            _beforeOpen.Enqueue(request);
            if (_beforeOpen.Count == 1)
                _record.Open();
        }
        else
        {
            StartWrite(request);
        }
    }

    internal void Finished(MirrorWrite write, in IoOutcome outcome)
    {
        if (outcome.IsSuccess && write.Asked == _legs.All)
            End(write, Errno.None);
        else
            FinishedInPart(write, outcome);
    }

    private void StartWrite(BlockRequest request)
    {
        MirrorWrite write = _freeWrite ?? new MirrorWrite(this);
        _freeWrite = write.NextFree;
        write.Original = request;
        write.Operation = request.Operation == BlockOperation.Discard ? BlockOperation.WriteZeroes : request.Operation;
        write.Flags = request.Flags;
        write.Memory = request.Operation == BlockOperation.Write ? IoMemory.FromVector(request.Data) : IoMemory.None;
        write.Asked = _legs.Set;
        if (_legs.Set != _legs.All && request.ChangesData)
            _legs.MarkLacking(_legs.All & ~_legs.Set, request.Start, request.Count);
        int count = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if ((write.Asked & leg.Bit) != 0)
                _scratch[count++] = new IoRegion(leg.Device, leg.Offset + request.Start, request.Count);
        }
        write.SetRegions(_scratch.AsSpan(0, count));
        Errno refused = _client.Submit(write);
        if (refused != Errno.None)
            End(write, refused, request.Start);
    }

    private void FinishedInPart(MirrorWrite write, in IoOutcome outcome)
    {
        var failures = new LegFailures();
        failures.Add(write.Asked, outcome);
        if (failures.Bits != 0 && write.Operation == BlockOperation.WriteZeroes)
            Host.Spawn("writing zeroes", () => WriteZeroPagesAsync(write, failures.Bits));
        else
            Settle(write, failures);
    }

    // A leg that cannot write zeroes, or failed to, gets them as data: that it fails only then is a failed write.
    private async ValueTask WriteZeroPagesAsync(MirrorWrite write, ulong legs)
    {
        BlockRequest request = write.Original!;
        BlockFlags flags = request.Flags & BlockFlags.Fua;
        Settle(write, await _writer.WriteZeroPagesAsync(legs, request.Start, request.Count, flags));
    }

    private void Settle(MirrorWrite write, LegFailures failures)
    {
        BlockRequest request = write.Original!;
        ulong reached = write.Asked & ~failures.Bits;
        bool good = (reached & _legs.Trusted) != 0;
        if (failures.Bits != 0)
            Note(failures, LegErrors.Write, request.Start, request.Count);
        if (!good)
        {
            End(write, Errno.EIO, FirstFailing(failures, request));
            return;
        }
        write.Lacking = _legs.All & ~reached;
        if ((write.Lacking & ~_record.DurablyOut) == 0)
        {
            End(write, Errno.None);
            return;
        }
        _unrecorded.Enqueue(write);
        if (!_record.IsSaving)
            _record.Save();
    }

    private Sectors FirstFailing(LegFailures failures, BlockRequest request)
    {
        Sectors first = request.End;
        foreach (Leg leg in _legs.Legs)
        {
            if ((failures.Bits & leg.Bit) != 0)
                first = Sectors.Min(first, failures[leg.Index].FirstFailingSector - leg.Offset);
        }
        return Sectors.Max(first, request.Start);
    }

    private void End(MirrorWrite write, Errno errno, Sectors failedAt = default)
    {
        BlockRequest request = write.Original!;
        write.Original = null;
        write.Memory = IoMemory.None;
        write.NextFree = _freeWrite;
        _freeWrite = write;
        End(request, errno, failedAt);
    }

    private void End(BlockRequest request, Errno errno, Sectors failedAt)
    {
        request.Complete(Loop, errno, failedAt);
        if (--_inFlight == 0)
            _drained?.TrySetResult();
    }
}
