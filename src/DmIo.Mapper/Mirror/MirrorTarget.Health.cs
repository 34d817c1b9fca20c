namespace DmIo.Mapper;

// What failures do to the legs, and what must be durable before they are passed over.
internal sealed partial class MirrorTarget
{
    private bool _recordBroken;
    private ulong _reportedOut;

    /// <summary>
    /// Takes note of legs that failed a change or a flush: each leaves the set. Where every leg failed that holds all
    /// that was acknowledged, none leaves, but they are no longer known to be identical.
    /// </summary>
    internal void Note(LegFailures failures, LegErrors kind, Sectors start, Sectors count)
    {
        bool someGood = (_legs.Trusted & ~failures.Bits) != 0;
        ulong leaving = someGood ? failures.Bits & _legs.Set : 0;
        _legs.MarkLacking(someGood ? failures.Bits : _legs.All & ~_legs.Source.Bit, start, count);
        if (!someGood)
            _copy.Disturb(start, count);
        bool newSource = false;
        foreach (Leg leg in _legs.Legs)
        {
            if ((leaving & leg.Bit) == 0)
                continue;
            newSource |= _legs.Drop(leg);
            _epoch++;
        }
        foreach (Leg leg in _legs.Legs)
        {
            if ((failures.Bits & leg.Bit) != 0)
                NoteFailure(leg, failures[leg.Index], kind, failures.Bits, (leaving & leg.Bit) != 0);
        }
        if (leaving == 0)
            return;
        _record.Save();
        if (newSource)
            _copy.SourceChanged();
    }

    /// <summary>Declares legs, to which everything was copied and flushed, in sync.</summary>
    internal void Join(ulong legs)
    {
        foreach (Leg leg in _legs.Legs)
        {
            if ((legs & leg.Bit) == 0)
                continue;
            _legs.Join(leg);
            leg.Errors = LegErrors.None;
            leg.Failure = null;
            MapperLog.LegInSync(Host.Logger, Host.Name, leg.Index, leg.Place.Argument);
        }
        // As the kernel has it: what legs have shown is forgotten when all of them are in sync.
        if (_legs.Set == _legs.All && _legs.IsWhole)
        {
            foreach (Leg leg in _legs.Legs)
                leg.Errors = LegErrors.None;
        }
        _record.Save();
        Host.HealthChangedOf(this);
    }

    /// <summary>Takes note of a leg that could not be read; it stays in the set.</summary>
    internal void NoteReadFailure(Leg leg, RegionFailure failure, LegErrors kind) =>
        NoteFailure(leg, failure, kind, leg.Bit, false);

    private void NoteRead(Leg leg, MirrorRead read) => NoteReadFailure(
        leg, new RegionFailure(BlockOperation.Read, read.FailedAt, read.Error), LegErrors.Read);

    private void NoteFailure(Leg leg, RegionFailure failure, LegErrors kind, ulong bits, bool leaves)
    {
        bool isNew = (leg.Errors & kind) == 0;
        leg.Errors |= kind;
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
                failure.Errno, errorBits, _legs.Source.Index);
        }
        else
        {
            MapperLog.LegFailed(
                Host.Logger, Host.Name, leg.Index, leg.Place.Argument, operation, failure.FirstFailingSector,
                failure.Errno, errorBits);
        }
        Host.HealthChangedOf(this);
    }

    private void Saved(Errno errno)
    {
        TellOfRecord(errno);
        if (_record.IsOpen)
        {
            while (_beforeOpen.TryDequeue(out BlockRequest? request))
                StartWrite(request);
        }
        else if (errno != Errno.None)
        {
            while (_beforeOpen.TryDequeue(out BlockRequest? request))
                End(request, Errno.EIO, request.Start);
        }
        for (int waiting = _unrecorded.Count; waiting > 0; waiting--)
        {
            MirrorWrite write = _unrecorded.Dequeue();
            if ((write.Lacking & ~_record.DurablyOut) == 0)
                End(write, Errno.None);
            else if (errno != Errno.None)
                End(write, Errno.EIO, write.Original!.Start);
            else
                _unrecorded.Enqueue(write);
        }
    }

    private void TellOfRecord(Errno errno)
    {
        if (errno != Errno.None && !_recordBroken)
            MapperLog.RecordFailed(Host.Logger, Host.Name, _record.Location, errno);
        else if (errno == Errno.None && _recordBroken)
            MapperLog.RecordWorks(Host.Logger, Host.Name, _record.Location);
        _recordBroken = errno != Errno.None;
        if ((_record.DurablyOut & ~_reportedOut) != 0)
            MapperLog.Recorded(Host.Logger, Host.Name, _record.Location, $"0x{_record.DurablyOut:x}");
        _reportedOut = _record.DurablyOut;
    }
}
