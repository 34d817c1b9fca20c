namespace DmIo.Mapper;

// The way of what must reach every leg: changes and flushes.
internal sealed partial class MirrorTarget
{
    private readonly IoRegion[] _scratch;
    private readonly Queue<MirrorWrite> _beforeLog = new();
    private readonly Queue<MirrorWrite> _unrecorded = new();
    private MirrorWrite? _freeWrite;

    public override void Map(BlockRequest request)
    {
        _inFlight++;
        _lastRequest = Loop.Time.GetTimestamp();
        if (request.Operation == BlockOperation.Read)
        {
            StartRead(request);
            return;
        }
        if (request.Operation == BlockOperation.Flush)
        {
            _flusher.Join(request);
            return;
        }
        MirrorWrite write = Rent(request);
        write.FirstRegion = _legs.RegionOf(request.Start);
        write.LastRegion = _legs.LastOf(request.Start, request.Count);
        for (long region = write.FirstRegion; region <= write.LastRegion; region++)
        {
            write.Use = EnterRegion(region);
            NoteOut(write.Use);
        }
        if (write.FirstRegion < write.LastRegion)
            write.Use = null;
        StartWhenLogged(write);
    }

    internal void Finished(MirrorWrite write, in IoOutcome outcome)
    {
        _watch.Remove(write);
        if (!outcome.IsSuccess)
        {
            FinishedInPart(write, outcome);
            return;
        }
        LeaveRegions(write);
        End(write, Errno.None);
    }

    // The log must say that a region is dirty, and the record which legs will lack it, before the first leg is touched.
    private void StartWhenLogged(MirrorWrite write)
    {
        long ticket = TicketOf(write);
        if (ticket <= _log.Durable)
        {
            Issue(write);
            return;
        }
        _beforeLog.Enqueue(write);
        _log.Commit();
    }

    private RegionUse EnterRegion(long region)
    {
        RegionUse use = _uses.Enter(region, out bool isNew);
        if (isNew)
            use.Ticket = _log.MarkDirty(region);
        return use;
    }

    // Notes that the legs outside the set will lack a region.
    private void NoteOut(RegionUse use)
    {
        ulong unnoted = _legs.All & ~_legs.Set & ~use.Noted;
        if (unnoted == 0)
            return;
        use.Noted |= unnoted;
        foreach (Leg leg in _legs.Legs)
        {
            if ((unnoted & leg.Bit) == 0)
                continue;
            _legs.Lack(leg, use.Region);
            use.Ticket = Math.Max(use.Ticket, _log.NoteLack(leg, use.Region));
        }
    }

    private long TicketOf(MirrorWrite write)
    {
        if (write.Use is { } only)
            return only.Ticket;
        long ticket = 0;
        for (long region = write.FirstRegion; region <= write.LastRegion; region++)
            ticket = Math.Max(ticket, _uses.Find(region).Ticket);
        return ticket;
    }

    private void LeaveRegions(MirrorWrite write)
    {
        long stamp = _uses.NextStamp();
        if (write.Use is { } only)
        {
            _uses.Leave(only, stamp);
        }
        else
        {
            for (long region = write.FirstRegion; region <= write.LastRegion; region++)
                _uses.Leave(_uses.Find(region), stamp);
        }
        write.Use = null;
        _settler.Arm();
    }

    private void Issue(MirrorWrite write)
    {
        if (write.LegsVersion != _legs.Version)
        {
            write.LegsVersion = _legs.Version;
            for (long region = write.FirstRegion; region <= write.LastRegion; region++)
                NoteOut(_uses.Find(region));
            if (TicketOf(write) > _log.Durable)
            {
                _beforeLog.Enqueue(write);
                _log.Commit();
                return;
            }
        }
        BlockRequest request = write.Original!;
        write.Asked = _legs.Set;
        int count = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if ((write.Asked & leg.Bit) != 0)
                _scratch[count++] = new IoRegion(leg.Device, leg.Offset + request.Start, request.Count);
        }
        write.SetRegions(_scratch.AsSpan(0, count));
        Errno refused = _client.Submit(write);
        if (refused == Errno.None)
        {
            foreach (Leg leg in _legs.Legs)
            {
                if ((write.Asked & leg.Bit) != 0)
                    leg.Meter.Writes.InFlight++;
            }
            _watch.Add(write);
            return;
        }
        LeaveRegions(write);
        End(write, refused, request.Start);
    }

    private void FinishedInPart(MirrorWrite write, in IoOutcome outcome)
    {
        var failures = new LegFailures();
        failures.Add(write.Asked, outcome);
        if (write.Operation == BlockOperation.WriteZeroes && (failures.Bits & _legs.Set) != 0)
            Host.Spawn("writing zeroes", () => WriteZeroPagesAsync(write, failures));
        else
            ConcludeAndDecide(write, failures);
    }

    private void ConcludeAndDecide(MirrorWrite write, LegFailures failures)
    {
        ulong failed = failures.Bits;
        Conclude(write, failures);
        Decided(failed);
    }

    // A leg that cannot write zeroes, or failed to, gets them as data: that it fails only then is a failed write.
    private async ValueTask WriteZeroPagesAsync(MirrorWrite write, LegFailures first)
    {
        BlockRequest request = write.Original!;
        ulong legs = first.Bits & _legs.Set;
        LegFailures failures = await _writer.WriteZeroPagesAsync(
            legs, request.Start, request.Count, request.Flags & BlockFlags.Fua);
        foreach (Leg leg in _legs.Legs)
        {
            if ((first.Bits & ~legs & leg.Bit) != 0)
                failures.Add(leg.Index, first[leg.Index]);
        }
        Conclude(write, failures);
        Decided(first.Bits);
    }

    // What the legs answered is known: who lacks what, and what the client may be told when.
    private void Conclude(MirrorWrite write, LegFailures failures)
    {
        BlockRequest request = write.Original!;
        long ticket = 0;
        bool good = true;
        write.HasFailed = failures.Bits != 0;
        if (failures.Bits != 0)
            good = WriteFailed(write.FirstRegion, write.LastRegion, write.Asked, failures, LegErrors.Write);
        if (good)
            ticket = TicketOf(write);
        LeaveRegions(write);
        if (good)
            EndWhenRecorded(write, ticket);
        else
            End(write, Errno.EIO, FirstFailing(failures, request), Explain(failures));
    }

    private void EndWhenRecorded(MirrorWrite write, long ticket)
    {
        if (ticket <= _log.Durable)
        {
            EndRecorded(write);
            return;
        }
        write.Ticket = ticket;
        _unrecorded.Enqueue(write);
        _log.Commit();
    }

    private void EndRecorded(MirrorWrite write)
    {
        if (!HoldsBack(write))
            End(write, Errno.None);
    }

    /// <summary>Answers a client's flush, when what the legs that failed it lack is recorded.</summary>
    internal void EndFlush(BlockRequest request, bool isDurable, LegFailures failures)
    {
        MirrorWrite write = Rent(request);
        if (isDurable)
            EndWhenRecorded(write, _legsTicket);
        else
            End(write, Errno.EIO, Sectors.Zero, failures.Bits == 0 ? null : Explain(failures));
    }

    // For those who asked: which legs, where and why.
    private BlockFailure Explain(LegFailures? failures) => new(
        Host.Name,
        _legs.Legs.ToArray().Where(leg => failures is not null && (failures.Bits & leg.Bit) != 0)
            .Select(leg => new FailedPart(leg.Index, leg.Place.Argument, failures![leg.Index])));

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

    // A commit has ended: go on with what waited for it.
    private void LogCommitted(Errno errno)
    {
        TellOfLog(errno);
        bool fails = errno != Errno.None
            && (_options.Mirror.WhenUnrecorded == WhenUnrecorded.Fail || _isEnding);
        for (int waiting = _beforeLog.Count; waiting > 0; waiting--)
        {
            MirrorWrite write = _beforeLog.Dequeue();
            if (TicketOf(write) <= _log.Durable)
            {
                Issue(write);
            }
            else if (fails)
            {
                LeaveRegions(write);
                End(write, Errno.EIO, write.Original!.Start);
            }
            else
            {
                _beforeLog.Enqueue(write);
            }
        }
        for (int waiting = _unrecorded.Count; waiting > 0; waiting--)
        {
            MirrorWrite write = _unrecorded.Dequeue();
            if (write.Ticket <= _log.Durable)
                EndRecorded(write);
            else if (fails)
                End(write, Errno.EIO, write.Original!.Start);
            else
                _unrecorded.Enqueue(write);
        }
        foreach (LogWait wait in _logWaits.ToArray())
        {
            if (wait.Ticket > _log.Durable && errno == Errno.None)
                continue;
            _logWaits.Remove(wait);
            wait.Done.SetResult(wait.Ticket <= _log.Durable);
        }
    }

    private MirrorWrite Rent(BlockRequest request)
    {
        MirrorWrite write = _freeWrite ?? new MirrorWrite(this);
        _freeWrite = write.NextFree;
        write.Original = request;
        write.Operation = request.Operation == BlockOperation.Discard ? BlockOperation.WriteZeroes : request.Operation;
        write.Flags = request.Flags;
        write.Memory = request.Operation == BlockOperation.Write ? IoMemory.FromVector(request.Data) : IoMemory.None;
        write.LegsVersion = _legs.Version;
        write.FirstRegion = 0;
        write.LastRegion = -1;
        write.Use = null;
        write.HaveIt = 0;
        write.HasFailed = false;
        return write;
    }

    private void End(MirrorWrite write, Errno errno, Sectors failedAt = default, BlockFailure? failure = null)
    {
        if (write.EarlyNumber != 0)
        {
            // Its client has its answer; whoever flushes is told, until it is recorded who lacks it.
            if (errno != Errno.None)
            {
                _flusher.OweError();
                _legsTicket = Math.Max(_legsTicket, write.Ticket);
            }
            EndLagging(write);
            return;
        }
        BlockRequest request = write.Original!;
        write.Original = null;
        if (write.PinnedBits == 0)
        {
            Recycle(write);
        }
        else
        {
            write.Held = request;
            request.Hold();
        }
        End(request, errno, failedAt, failure);
    }

    private void Recycle(MirrorWrite write)
    {
        write.Memory = IoMemory.None;
        write.NextFree = _freeWrite;
        _freeWrite = write;
    }

    private void End(BlockRequest request, Errno errno, Sectors failedAt, BlockFailure? failure)
    {
        request.Complete(Loop, errno, failedAt, failure);
        Ended();
    }

    private void Ended()
    {
        if (--_inFlight == 0)
            _drained?.TrySetResult();
    }
}
