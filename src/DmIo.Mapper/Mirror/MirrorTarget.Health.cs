namespace DmIo.Mapper;

// What failures do to the legs, and what must be durable before they are passed over.
internal sealed partial class MirrorTarget
{
    private readonly List<LogWait> _logWaits = [];
    private long _legsTicket;
    private ulong _suspects;
    private long _epoch;
    private bool _isLogBroken;

    /// <summary>Whether the record durably says what failures did to the legs.</summary>
    internal bool AreFailuresRecorded => _legsTicket <= _log.Durable;

    /// <summary>
    /// Takes note of legs that failed a change of regions: they lack it, and leave the set unless they alone hold
    /// something. Where no leg that holds a region took the change, holders may differ there.
    /// </summary>
    /// <returns>Whether every region was taken by a leg that holds it.</returns>
    internal bool WriteFailed(long firstRegion, long lastRegion, ulong asked, LegFailures failures, LegErrors kind)
    {
        ulong reached = asked & ~failures.Bits;
        bool good = true;
        for (long region = firstRegion; region <= lastRegion; region++)
        {
            if ((reached & _legs.HoldersOf(region, region)) == 0)
            {
                good = false;
                _legs.Differ(region);
            }
            else
            {
                NoteLack(failures.Bits, region);
            }
            _recovery.Disturb(region);
        }
        ulong left = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if ((failures.Bits & leg.Bit) != 0 && good && leg.IsInSet && _legs.CanLeave(leg))
                left |= Leave(leg);
        }
        Tell(failures, kind, left);
        if (!good || left != failures.Bits)
            _recovery.Start();
        return good;
    }

    /// <summary>
    /// Takes note of legs that failed to be written by recovery: they lack the regions where another leg of the set holds
    /// them.
    /// </summary>
    /// <returns>Whether each of them has left the set.</returns>
    internal bool RecoveryWriteFailed(long firstRegion, long lastRegion, LegFailures failures)
    {
        for (long region = firstRegion; region <= lastRegion; region++)
        {
            NoteLack(_legs.Dispensable(failures.Bits, region), region);
            _recovery.Disturb(region);
        }
        ulong left = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if ((failures.Bits & leg.Bit) != 0 && leg.IsInSet && _legs.CanLeave(leg))
                left |= Leave(leg);
        }
        Tell(failures, LegErrors.Sync, left);
        return left == failures.Bits;
    }

    /// <summary>
    /// Takes note of legs that failed a flush: each lacks all that was written since its last good one. The last that
    /// holds something stays; then not everything is durable.
    /// </summary>
    /// <returns>Whether what the flush was to make durable is so on a leg that holds it.</returns>
    internal bool FlushFailed(LegFailures failures, ulong flushed, LegErrors kind)
    {
        if (failures.Bits == 0)
            return true;
        bool durable = flushed != 0;
        ulong left = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if ((failures.Bits & leg.Bit) == 0 || !leg.IsInSet)
                continue;
            if (durable && _legs.CanLeave(leg))
                left |= Leave(leg);
            else
                durable &= LackUnflushed(leg, flushed);
        }
        Tell(failures, kind, left);
        if (left != failures.Bits)
            _recovery.Start();
        return durable;
    }

    // A leg that stays although its flush failed may have lost what it had not made durable: it lacks that where another
    // has made it durable. Elsewhere it is lost, and each of those that were to keep it may have lost another part.
    private bool LackUnflushed(Leg leg, ulong flushed)
    {
        bool durable = true;
        // Writes of an earlier life may not be durable either.
        for (long region = _legs.MayDiffer.NextFrom(0); region >= 0; region = _legs.MayDiffer.NextFrom(region + 1))
        {
            if ((_legs.HoldersOf(region, region) & _legs.Set & ~leg.Bit & flushed) != 0)
            {
                _legsTicket = Math.Max(_legsTicket, NoteLack(leg.Bit, region));
            }
            else
            {
                _legs.Rewrite.Add(region);
                durable = false;
            }
            _recovery.Disturb(region);
        }
        foreach (RegionUse use in _uses.All)
        {
            if (use.Pending == 0 && use.Stamp <= leg.FlushedStamp)
                continue;
            ulong others = _legs.HoldersOf(use.Region, use.Region) & _legs.Set & ~leg.Bit;
            if ((others & flushed) != 0)
            {
                NoteLack(leg.Bit, use.Region);
            }
            else
            {
                _legs.Differ(use.Region);
                _legs.Rewrite.Add(use.Region);
                durable = false;
            }
            _recovery.Disturb(use.Region);
            _legsTicket = Math.Max(_legsTicket, use.Ticket);
        }
        if (_legs.Rewrite.Count > 0)
            _legsTicket = _log.NoteLegs(_epoch);
        _log.Commit();
        return durable;
    }

    /// <summary>
    /// An operation has failed on a leg, and the others of its request are still under way: what the leg makes durable
    /// from now on may not be all that came before.
    /// </summary>
    /// <param name="asked">The legs that were asked.</param>
    /// <param name="region">The number of the region, counted among them.</param>
    /// <param name="forgets">Whether it is a flush: then what came before may be gone already.</param>
    internal void Suspect(ulong asked, int region, bool forgets = false)
    {
        Leg leg = LegOf(asked, region);
        leg.Suspicions++;
        if (HasFault(EngineFaults.ReadsFromSuspects))
            return;
        leg.Failures++;
        _suspects |= leg.Bit;
        if (forgets && !HasFault(EngineFaults.TrustsForgetful))
            _legs.Forgetful |= leg.Bit;
    }

    /// <summary>What follows from failures of one request is decided.</summary>
    internal void Decided(ulong failed)
    {
        foreach (Leg leg in _legs.Legs)
        {
            if ((failed & leg.Bit) != 0 && --leg.Suspicions == 0)
                _suspects &= ~leg.Bit;
        }
    }

    /// <summary>Legs have made durable all that had ended by a stamp.</summary>
    internal void NoteFlushed(ulong legs, long stamp)
    {
        foreach (Leg leg in _legs.Legs)
        {
            if ((legs & leg.Bit) != 0 && leg.Suspicions == 0)
                leg.FlushedStamp = Math.Max(leg.FlushedStamp, stamp);
        }
    }

    /// <summary>
    /// Takes note that legs lack what is in a region, durably by the ticket of the region's use, which is returned too.
    /// </summary>
    internal long NoteLack(ulong legs, long region)
    {
        long last = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if ((legs & leg.Bit) == 0)
                continue;
            _legs.Lack(leg, region);
            long ticket = _log.NoteLack(leg, region);
            if (_uses.TryFind(region, out RegionUse? use))
                use.Ticket = Math.Max(use.Ticket, ticket);
            last = Math.Max(last, ticket);
        }
        return last;
    }

    /// <summary>
    /// Takes a leg, which others can stand in for, out of the set: it lacks what is being written and what it has not
    /// made durable.
    /// </summary>
    internal ulong Leave(Leg leg)
    {
        _epoch++;
        _legs.Leave(leg);
        for (long region = _legs.MayDiffer.NextFrom(0); region >= 0; region = _legs.MayDiffer.NextFrom(region + 1))
            _log.NoteLack(leg, region);
        _legsTicket = _log.NoteLegs(_epoch);
        foreach (RegionUse use in _uses.All)
        {
            if (use.Pending == 0 && use.Stamp <= leg.FlushedStamp)
                continue;
            use.Noted |= leg.Bit;
            NoteLack(leg.Bit, use.Region);
            use.Ticket = Math.Max(use.Ticket, _legsTicket);
        }
        _recovery.SetChanged();
        _returns.LegLeft(leg);
        _log.Commit();
        return leg.Bit;
    }

    /// <summary>Lets a leg that answers again take writes; what it lacks is copied to it.</summary>
    internal void Return(Leg leg)
    {
        foreach (RegionUse use in _uses.All)
            use.Noted &= ~leg.Bit;
        // What was done before is not on it; where that matters it lacks the region.
        leg.FlushedStamp = _uses.Stamp;
        leg.Unreadable.Clear();
        leg.IsRecovering = true;
        _legs.Enter(leg);
        _recovery.SetChanged();
        ReleaseHeldBack();
        _legsTicket = _log.NoteLegs(_epoch);
        _log.Commit();
        MapperLog.LegReturned(Host.Logger, Host.Name, leg.Index, leg.Place.Argument, leg.Lacks.Count);
        Host.HealthChangedOf(
            this, VolumeEventKind.LegReturned,
            new EventDetails { Leg = leg.Index, Device = leg.Place.Argument, Count = leg.Lacks.Count });
        _recovery.Restart();
    }

    /// <summary>Declares the legs of the set that lack nothing any more, durably, in sync.</summary>
    internal void Join()
    {
        bool any = false;
        foreach (Leg leg in _legs.Legs)
        {
            if (!leg.IsInSet || leg.Lacks.Count > 0 || !leg.IsRecovering)
                continue;
            any = true;
            leg.IsRecovering = false;
            leg.Errors = LegErrors.None;
            leg.Failure = null;
            _returns.LegInSync(leg);
            MapperLog.LegInSync(Host.Logger, Host.Name, leg.Index, leg.Place.Argument);
            Host.Raise(
                this, VolumeEventKind.LegInSync, new EventDetails { Leg = leg.Index, Device = leg.Place.Argument });
        }
        // As the kernel has it: what legs have shown is forgotten when all of them are in sync.
        if (_legs.Set == _legs.All && _legs.IsWhole)
        {
            // After a crash legs lack nothing and differ all the same: that they do no more is told by the status.
            any = true;
            foreach (Leg leg in _legs.Legs)
                leg.Errors = LegErrors.None;
        }
        if (!any)
            return;
        _legsTicket = _log.NoteLegs(_epoch);
        _log.Commit();
        Host.HealthChangedOf(this);
    }

    /// <summary>Takes note of a leg that could not be read; it stays in the set.</summary>
    internal void NoteReadFailure(Leg leg, RegionFailure failure, LegErrors kind) =>
        Tell(leg, failure, kind, leg.Bit, leaves: false);

    /// <summary>Waits for a commit; false when it failed.</summary>
    internal Task<bool> DurableAsync(long ticket)
    {
        if (ticket <= _log.Durable)
            return Task.FromResult(true);
        var wait = new LogWait(ticket, new TaskCompletionSource<bool>());
        _logWaits.Add(wait);
        _log.Commit();
        return wait.Done.Task;
    }

    /// <summary>Tells of failures: which legs they took out of the set, and why.</summary>
    internal void Tell(LegFailures failures, LegErrors kind, ulong left)
    {
        foreach (Leg leg in _legs.Legs)
        {
            if ((failures.Bits & leg.Bit) == 0)
                continue;
            Tell(leg, failures[leg.Index], kind, failures.Bits, (left & leg.Bit) != 0);
        }
    }

    private void Tell(Leg leg, RegionFailure failure, LegErrors kind, ulong bits, bool leaves)
    {
        bool isNew = (leg.Errors & kind) == 0;
        leg.Errors |= kind;
        leg.LastFailure = new LegTrouble(
            failure.Operation, failure.FirstFailingSector.Count, failure.Errno, Loop.Time.GetUtcNow());
        if (!isNew && !leaves)
            return;
        leg.Failure = new LegFailure(
            kind, failure.Operation, failure.FirstFailingSector.Count, failure.Errno, Loop.Time.GetUtcNow());
        string operation = failure.Operation.ToString();
        string errorBits = $"0x{bits:x}";
        if (leaves)
        {
            MapperLog.LegLeft(
                Host.Logger, Host.Name, leg.Index, leg.Place.Argument, operation, failure.FirstFailingSector,
                failure.Errno, errorBits);
        }
        else
        {
            MapperLog.LegFailed(
                Host.Logger, Host.Name, leg.Index, leg.Place.Argument, operation, failure.FirstFailingSector,
                failure.Errno, errorBits);
        }
        Host.HealthChangedOf(
            this, leaves ? VolumeEventKind.LegLeft : VolumeEventKind.LegFailed,
            new EventDetails
            {
                Leg = leg.Index,
                Device = leg.Place.Argument,
                Operation = failure.Operation,
                Sector = failure.FirstFailingSector.Count,
                Region = RegionAt(leg, failure.FirstFailingSector),
                Errno = failure.Errno,
                ErrorBits = bits,
            });
    }

    private void TellOfLog(Errno errno)
    {
        if (errno != Errno.None && !_isLogBroken)
        {
            MapperLog.RecordFailed(Host.Logger, Host.Name, _log.Location, errno);
            Host.Raise(
                this, VolumeEventKind.RecordFailed, new EventDetails { Device = _log.Location, Errno = errno });
        }
        else if (errno == Errno.None && _isLogBroken)
        {
            MapperLog.RecordWorks(Host.Logger, Host.Name, _log.Location);
            Host.Raise(this, VolumeEventKind.RecordWorks, new EventDetails { Device = _log.Location });
        }
        _isLogBroken = errno != Errno.None;
        ulong recorded = _legsTicket <= _log.Durable ? _legs.All & ~_legs.Set : _recordedOut;
        if ((recorded & ~_recordedOut) != 0)
            MapperLog.Recorded(Host.Logger, Host.Name, _log.Location, $"0x{recorded:x}");
        _recordedOut = recorded;
    }

    private ulong _recordedOut;

    // A flush fails nowhere in particular.
    private long? RegionAt(Leg leg, Sectors sector) =>
        sector >= leg.Offset && sector < leg.Offset + Length ? _legs.RegionOf(sector - leg.Offset) : null;
}
