namespace DmIo.Mapper;

/// <summary>
/// The same sectors on several legs. Every change goes to all legs of the set in one dm-io request; a leg that fails
/// one leaves the set, and nothing that it lacks is acknowledged before the record durably says so. Reads come from any
/// leg that holds the data. Legs that answer again come back, and what they lack is copied to them.
/// </summary>
internal sealed partial class MirrorTarget : Target
{
    // Writes under way at once; more wait in the client. Arbitrary: several queues of the deepest clients, and some
    // hundred bytes each.
    private const int WritesInFlight = 1024;

    // For recovery's chunks and repairs, and as much again for each of a few legs that hang with theirs.
    private const long BufferBytes = 4 * (MirrorRecovery.Workers + 2) * (long)BufferPool.MaxBytes
        + MirrorScrub.Workers * MirrorSpec.MaxLegs * (long)MirrorScrub.ChunkBytes;

    private readonly MirrorSpec _spec;
    private readonly MappedDeviceOptions _options;
    private readonly IReadOnlyList<TargetLeg> _places;
    private readonly IoClient _client;
    private readonly LegSet _legs;
    private readonly RegionUses _uses;
    private readonly RegionLog _log;
    private readonly MirrorFlusher _flusher;
    private readonly RegionSettler _settler;
    private readonly LegWriter _writer;
    private readonly MirrorRecovery _recovery;
    private readonly LegReturns _returns;
    private readonly ReadRepair _repair;
    private readonly MirrorScrub _scrub;
    private readonly BufferPool _buffers = new(BufferBytes);
    private long _lastRequest;
    private int _inFlight;
    private TaskCompletionSource? _drained;
    private bool _isEnding;

    public MirrorTarget(
        MappedDevice host, TableLine line, IReadOnlyList<TargetLeg> places, TargetLeg? log, MappedDeviceOptions options)
        : base(host, line)
    {
        _spec = (MirrorSpec)line.Target;
        _options = options;
        _places = places;
        MirrorOptions mirror = options.Mirror;
        long regions = LegSet.CountRegions(line.Length, _spec.RegionSize);
        var legs = new Leg[places.Count];
        for (int i = 0; i < legs.Length; i++)
        {
            legs[i] = new Leg(
                i, places[i], options.Identify(places[i].Device, places[i].Argument), regions, host.Loop.Time)
            {
                IsWriteMostly = (mirror.WriteMostlyLegs >> i & 1) != 0,
            };
        }
        _writeMostly = mirror.WriteMostlyLegs;
        _legs = new LegSet(legs, line.Length, _spec.RegionSize)
        {
            DropsLastHolder = HasFault(EngineFaults.DropsLastHolder),
        };
        if (mirror.WriteQuorum > 0)
        {
            _legs.Behind = Behind;
            _legs.AloneHasWrites = AloneHasWrites;
        }
        _uses = new RegionUses(host.Loop.Time);
        _client = new IoClient(host.Loop, WritesInFlight);
        _scratch = new IoRegion[legs.Length];
        _writer = new LegWriter(host.Loop, _legs, mirror.LegDeadline, MayGiveUp, Landed);
        _log = options.WrapLog(OpenLog(log), _legs);
        _log.Committed = LogCommitted;
        _holdTimer = host.Loop.Time.CreateTimer(
            _ => ReleaseHeldBack(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _watch = new DeadlineWatch(host.Loop.Time, mirror.LegDeadline);
        _flusher = new MirrorFlusher(this, _legs, _uses, _watch);
        _settler = new RegionSettler(this, host, _legs, _uses, _log, mirror.CleanAfter);
        _recovery = new MirrorRecovery(this, host, _legs, _writer, _buffers, mirror, options.CopyChunk);
        _returns = new LegReturns(this, host, _legs, _writer, mirror);
        _repair = new ReadRepair(this, host, _legs, _writer, _buffers, mirror);
        _scrub = new MirrorScrub(this, host, _legs, _writer, _buffers, mirror, options.CopyChunk);
        DiscardLimit = SmallestLimit(places, device => device.DiscardLimit, Sectors.Zero);
        WriteZeroesLimit = SmallestLimit(places, device => device.WriteZeroesLimit, FileDevice.RangeLimit);
    }

    public override IReadOnlyList<TargetLeg> Legs => _places;

    /// <summary>What the mirror knows of its legs.</summary>
    public LegSet Knowledge => _legs;

    /// <summary>How far recovery is; null when nothing is copied.</summary>
    public RecoveryProgress? Progress => _recovery.Progress;

    /// <summary>When a client asked something last, on the loop's clock; 0 when none has.</summary>
    public long LastRequest => _lastRequest;

    /// <summary>Whether writes may be answered before all legs have them.</summary>
    public bool HasQuorum => _options.Mirror.WriteQuorum > 0;

    public bool IsReadOnly => Host.IsReadOnly;

    /// <summary>What the record calls the mirror.</summary>
    public Guid VolumeId { get; private set; }

    /// <summary>
    /// Only where every leg can discard. It is done by writing zeroes that need not stay allocated, so that the legs
    /// stay identical: what a discarded range reads as is each device's own affair.
    /// </summary>
    public override Sectors DiscardLimit { get; }

    public override Sectors WriteZeroesLimit { get; }

    public override async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        var start = new MirrorStart(Host.Name, Line, _legs, _options, _log.Location);
        start.CheckOptions();
        RecordedMirror? recorded = await _log.OpenAsync();
        if (recorded is not null && _options.IsUnwritten)
            recorded.IsUnwritten = true;
        recorded?.Take(_options.Carried, _legs);
        LegFailures unsynced = TakeOldErrors();
        if (recorded is null)
            await start.BirthAsync();
        else
            start.Resume(recorded, unsynced);
        cancellationToken.ThrowIfCancellationRequested();
        TakeOver();
        _epoch = recorded?.Epoch ?? 0;
        Guid volume = recorded is null || recorded.Volume == Guid.Empty ? _options.NewVolumeId() : recorded.Volume;
        VolumeId = volume;
        if (!IsReadOnly && await _log.BeginAsync(volume, _epoch) is not Errno.None and var errno)
        {
            throw new MapperException(
                $"{Host.Name}: {_log.Location} cannot be written ({errno}); make it writable, or name another "
                + "(--log, or --state-dir for a state file)");
        }
        Tell(start, recorded is null);
        _recovery.Start();
    }

    public override async ValueTask PresuspendAsync()
    {
        // What is held for a leg or a log that fails is held no longer; others may wait for its turn.
        _isEnding = true;
        _log.Commit();
        await _returns.StopAsync();
        await _scrub.PauseAsync();
        await _recovery.StopAsync();
        await _repair.StopAsync();
        ReleaseHeldBack();
    }

    public override void Resume()
    {
        _isEnding = false;
        _repair.Resume();
        _recovery.Resume();
        _returns.Resume();
        _scrub.Resume();
    }

    public override bool HasUnwritten => _legs.Rewrite.Count > 0 || !AreFailuresRecorded;

    public override IEnumerable<CarriedLeg> Carried
    {
        get
        {
            for (int i = 0; i < _places.Count; i++)
            {
                Leg leg = _legs[i];
                yield return new CarriedLeg(leg.Identity, leg.Offset, _legs.RegionSize, leg.Lacks);
            }
        }
    }

    /// <summary>Whether a leg is one of the mirror's, or one that its record knows by what tells it from others.</summary>
    public bool Records(TargetLeg leg) =>
        _places.Any(place => place.Device == leg.Device && place.Offset == leg.Offset)
        || _log.Knows(_options.Identify(leg.Device, leg.Argument), leg.Offset);

    public override IEnumerable<TargetLeg> HungLegs
    {
        get
        {
            IEnumerable<TargetLeg> legs = _places.Where((_, i) => _legs[i].Abandoned > 0);
            return _log.Hangs ? legs.Append(_logPlace!) : legs;
        }
    }

    public override async ValueTask StopAsync()
    {
        Task scrubbed = _scrub.StopAsync();
        // What it waits for may be held, and is let go here.
        await PresuspendAsync();
        await scrubbed;
        if (_inFlight > 0)
        {
            _drained = new TaskCompletionSource();
            await _drained.Task;
        }
        if (IsReadOnly)
            return;
        bool durable = await _settler.SettleNowAsync() && await FlushSetAsync();
        _settler.Stop();
        if (!durable)
        {
            throw new IOException(
                $"{Host.Name}: not everything could be flushed to a leg; it is stopped without the mark of a clean stop");
        }
        if (await _log.EndAsync() is not Errno.None and var errno)
            throw new IOException($"{Host.Name}: {_log.Location} cannot be written ({errno})");
    }

    public override async ValueTask DisposeAsync()
    {
        _returns.Dispose();
        _settler.Dispose();
        await _returns.StopAsync();
        await _scrub.StopAsync();
        await _recovery.StopAsync();
        await _repair.StopAsync();
        _watch.Dispose();
        _holdTimer.Dispose();
        _client.WaitsForAbandoned = false;
        await _client.DisposeAsync();
        await _flusher.DisposeAsync();
        await _writer.DisposeAsync();
        await _log.DisposeAsync();
        _buffers.Dispose();
        _spare.Dispose();
        await base.DisposeAsync();
    }

    /// <summary>Whether a test has planted a fault.</summary>
    internal bool HasFault(EngineFaults fault) => (_options.Faults & fault) != 0;

    /// <inheritdoc cref="MirrorFlusher.FlushAsync"/>
    internal Task<bool> FlushSetAsync() => _flusher.FlushAsync();

    /// <summary>Notes that legs hold a region again; the ticket of the commit that says so.</summary>
    internal long NoteHas(ulong legs, long region)
    {
        long ticket = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if ((legs & leg.Bit) != 0)
                ticket = Math.Max(ticket, _log.NoteHas(leg, region));
        }
        return ticket;
    }

    /// <summary>Marks a region clean that is in sync and that nobody has changed since the legs were flushed.</summary>
    internal void MarkCleanIfIdle(long region)
    {
        if (!_legs.IsInSync(region))
            return;
        if (_uses.TryFind(region, out _))
            return;
        _log.MarkClean(region);
        _log.Commit();
    }

    /// <summary>Starts recovery if there is anything to copy.</summary>
    internal void StartRecovery() => _recovery.Restart();

    /// <summary>Recovery met what may pass.</summary>
    internal void RecoverLater() => _returns.RetryRecovery();

    /// <summary>Begins a change of regions by the mirror itself; true when the log durably says so.</summary>
    internal async Task<bool> EnterRegionsAsync(long first, long last)
    {
        long ticket = 0;
        for (long region = first; region <= last; region++)
            ticket = Math.Max(ticket, EnterRegion(region).Ticket);
        if (await DurableAsync(ticket))
            return true;
        LeaveRegions(first, last);
        return false;
    }

    /// <summary>Ends a change of regions.</summary>
    internal void LeaveRegions(long first, long last)
    {
        long stamp = _uses.NextStamp();
        for (long region = first; region <= last; region++)
            _uses.Leave(_uses.Find(region), stamp);
        _settler.Arm();
    }

    /// <summary>
    /// Copies a block that a leg outside the set lacks, to see whether it takes it. The caller holds the turn.
    /// </summary>
    internal async Task<bool> CopyBlockAsync(Leg leg, Sectors start, Sectors count)
    {
        long region = _legs.RegionOf(start);
        if (!leg.Lacks.Contains(region) || LentBuffer.TryRent(_buffers, (int)count.Bytes) is not { } block)
            return false;
        ulong tried = leg.Bit;
        bool taken = false;
        while (!block.IsPinned && _legs.HolderBut(tried, region, region) is { } other)
        {
            tried |= other.Bit;
            if (block.Used(await _writer.ReadAsync(other, start, block.First(count.Bytes))).Bits != 0)
                continue;
            taken = block.Used(await _writer.WriteAsync(leg.Bit, start, block.First(count.Bytes))).Bits == 0;
            break;
        }
        block.Release();
        return taken;
    }

    /// <summary>A leg cannot be mended where it could not be read, or errs too often: it leaves if it can.</summary>
    internal void GiveUpUnreadable(Leg leg, Sectors start, Sectors count)
    {
        for (long region = _legs.RegionOf(start); region <= _legs.LastOf(start, count); region++)
            NoteLack(_legs.Dispensable(leg.Bit, region), region);
        if (!leg.IsInSet || !_legs.CanLeave(leg))
        {
            _recovery.Start();
            return;
        }
        Leave(leg);
        Tell(leg, new RegionFailure(BlockOperation.Read, leg.Offset + start, Errno.EIO), LegErrors.Read, leg.Bit, true);
    }

    // What the life before wrote and never became durable; after a crash it matters where that was.
    private LegFailures TakeOldErrors()
    {
        var failures = new LegFailures();
        foreach (Leg leg in _legs.Legs)
        {
            if (leg.Device.TakeOldError() is not Errno.None and var errno)
                failures.Add(leg.Index, new RegionFailure(BlockOperation.Flush, leg.Offset, errno));
        }
        return failures;
    }

    private void TakeOver()
    {
        foreach (Leg leg in _legs.Legs)
        {
            leg.IsInSet = leg.IsPresent;
            leg.IsRecovering = leg.Lacks.Count > 0;
            if (!leg.IsPresent)
                leg.Errors = LegErrors.Write;
        }
        _legs.Refresh();
        LeaveFailedByHand();
        _recordedOut = _legs.All & ~_legs.Set;
    }

    private static Sectors SmallestLimit(
        IReadOnlyList<TargetLeg> places, Func<BlockDevice, Sectors> limitOf, Sectors ofNone)
    {
        Sectors smallest = new(long.MaxValue);
        foreach (TargetLeg place in places)
        {
            Sectors limit = limitOf(place.Device);
            smallest = Sectors.Min(smallest, limit > Sectors.Zero ? limit : ofNone);
        }
        return smallest;
    }

    private void Tell(MirrorStart start, bool isNew)
    {
        if (isNew)
            MapperLog.Born(Host.Logger, Host.Name, _log.Location);
        else if (_options.AssumeClean)
            MapperLog.OptionIgnored(Host.Logger, Host.Name, "--assume-clean", _log.Location);
        else if (_options.SyncFrom is not null && !start.UsedSyncFrom)
            MapperLog.OptionIgnored(Host.Logger, Host.Name, "--sync-from", _log.Location);
        foreach (string finding in start.Findings)
            MapperLog.Finding(Host.Logger, Host.Name, finding);
        foreach (Leg leg in _legs.Legs)
        {
            if (leg.IsPresent && leg.Identity.Canonical is null)
                MapperLog.LegIsAnonymous(Host.Logger, Host.Name, leg.Index, leg.Place.Argument);
            if (!leg.IsPresent)
            {
                string reason = ((MissingDevice)leg.Device).Reason;
                MapperLog.LegMissing(Host.Logger, Host.Name, leg.Index, leg.Place.Argument, reason);
            }
            else if (leg.Lacks.Count > 0)
            {
                MapperLog.LegLacks(Host.Logger, Host.Name, leg.Index, leg.Place.Argument, leg.Lacks.Count);
            }
        }
        MapperLog.Status(Host.Logger, Host.Name, Host.StatusOf(this));
    }
}
