namespace DmIo.Mapper.Tests;

/// <summary>Hands on what a log is told and asked, but for what a <see cref="PlantedFault"/> changes.</summary>
internal sealed class PlantedLog : RegionLog
{
    private readonly RegionLog _log;

    public PlantedLog(RegionLog log, LegSet legs)
        : base(legs)
    {
        _log = log;
        log.Committed = errno => Committed(errno);
    }

    /// <summary>What the start is told of what was read.</summary>
    public Action<RecordedMirror> Opened { get; init; } = _ => { };

    /// <summary>Whether nobody waits until regions are marked dirty.</summary>
    public bool HidesDirtyTickets { get; init; }

    /// <summary>Whether nobody waits until the record says what legs lack.</summary>
    public bool HidesRecordTickets { get; init; }

    /// <summary>Whether the record is not told what legs lack.</summary>
    public bool ForgetsLacks { get; init; }

    /// <summary>Whether regions that some leg lacks are marked clean.</summary>
    public bool CleansWhatIsLacked { get; init; }

    public override long Durable => _log.Durable;

    public override char Letter => _log.Letter;

    public override string Location => _log.Location;

    public override async ValueTask<RecordedMirror?> OpenAsync()
    {
        RecordedMirror? recorded = await _log.OpenAsync();
        if (recorded is not null)
            Opened(recorded);
        return recorded;
    }

    public override ValueTask<Errno> BeginAsync(Guid volume, long epoch) => _log.BeginAsync(volume, epoch);

    public override ValueTask<Errno> EndAsync() => _log.EndAsync();

    public override long MarkDirty(long region) => Ticket(_log.MarkDirty(region), HidesDirtyTickets);

    public override void MarkClean(long region) => _log.MarkClean(region);

    public override long NoteLack(Leg leg, long region)
    {
        long ticket = ForgetsLacks ? 0 : _log.NoteLack(leg, region);
        if (CleansWhatIsLacked)
            _log.MarkClean(region);
        return Ticket(ticket, HidesRecordTickets);
    }

    public override long NoteHas(Leg leg, long region) => _log.NoteHas(leg, region);

    public override long NoteLegs(long epoch) => Ticket(_log.NoteLegs(epoch), HidesRecordTickets);

    public override void Commit() => _log.Commit();

    public override ValueTask DisposeAsync() => _log.DisposeAsync();

    private long Ticket(long ticket, bool hides)
    {
        if (!hides)
            return ticket;
        // It becomes durable all the same, only nobody waits.
        _log.Commit();
        return 0;
    }
}
