namespace DmIo.Mapper;

/// <summary>
/// The same sectors on several legs. Every change goes to all legs of the set in one dm-io request; a leg that fails
/// one leaves the set, and nothing that it lacks is acknowledged before the state file durably says so. Reads come from
/// one leg and fail over to the others.
/// </summary>
internal sealed partial class MirrorTarget : Target
{
    // Writes under way at once; more wait in the client. Arbitrary: several queues of the deepest clients, and some
    // hundred bytes each.
    private const int WritesInFlight = 1024;

    // For the copy's chunks and a page of zeroes.
    private const long BufferBytes = (MirrorCopy.Workers + 1) * (long)BufferPool.MaxBytes;

    private readonly MirrorSpec _spec;
    private readonly MappedDeviceOptions _options;
    private readonly IReadOnlyList<TargetLeg> _places;
    private readonly IoClient _client;
    private readonly LegSet _legs;
    private readonly MirrorRecord _record;
    private readonly IStateStore _store;
    private readonly LegWriter _writer;
    private readonly MirrorCopy _copy;
    private readonly BufferPool _buffers = new(BufferBytes);
    private Guid _volume;
    private long _epoch;
    private int _inFlight;
    private TaskCompletionSource? _drained;

    public MirrorTarget(MappedDevice host, TableLine line, IReadOnlyList<TargetLeg> places, MappedDeviceOptions options)
        : base(host, line)
    {
        _spec = (MirrorSpec)line.Target;
        _options = options;
        _places = places;
        long regions = LegSet.CountRegions(line.Length, _spec.RegionSize);
        var legs = new Leg[places.Count];
        for (int i = 0; i < legs.Length; i++)
            legs[i] = new Leg(i, places[i], options.Identify(places[i].Device, places[i].Argument), regions);
        _legs = new LegSet(legs, line.Length, _spec.RegionSize);
        _client = new IoClient(host.Loop, WritesInFlight);
        _scratch = new IoRegion[legs.Length];
        _writer = new LegWriter(host.Loop, _legs, _buffers);
        string file = Path.Combine(options.StateDirectory, $"{host.Name}.mirror-{line.Start}.json");
        _store = options.OpenStore(host.Loop, file);
        _record = new MirrorRecord(host.Loop, _store, Snapshot, Saved);
        _copy = new MirrorCopy(this, host, _legs, _writer, _buffers, options.CopyChunk);
        DiscardLimit = SmallestLimit(places, device => device.DiscardLimit, Sectors.Zero);
        WriteZeroesLimit = SmallestLimit(places, device => device.WriteZeroesLimit, FileDevice.RangeLimit);
    }

    public override IReadOnlyList<TargetLeg> Legs => _places;

    /// <summary>What the mirror knows of its legs.</summary>
    public LegSet Knowledge => _legs;

    /// <summary>
    /// Only where every leg can discard. It is done by writing zeroes that need not stay allocated, so that the legs
    /// stay identical: what a discarded range reads as is each device's own affair.
    /// </summary>
    public override Sectors DiscardLimit { get; }

    public override Sectors WriteZeroesLimit { get; }

    public override string TableWords => MirrorLines.Table(new MirrorTableParts(
        [.. _places.Select(leg => new ShownLeg(leg.Shown, leg.Offset))], Log?.Shown, _spec.RegionSize, _spec.Sync,
        _spec.Features));

    public override string StatusWords => MirrorLines.Status(new MirrorStatusParts(
        [.. _places.Select(leg => leg.Shown)], _legs.InSyncRegions, _legs.Regions,
        string.Concat(_legs.Legs.ToArray().Select(leg => leg.Letter)),
        Log is null ? null : new ShownLog(Log.Shown, ShownLog.Alive)));

    public override async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        var start = new MirrorStart(Host.Name, Line, _legs.Legs.ToArray(), _options, _store.Location);
        start.CheckOptions();
        MirrorState? state = await ReadStateAsync();
        MirrorPlan plan = state is null ? await start.BirthAsync() : start.Resume(state);
        cancellationToken.ThrowIfCancellationRequested();
        Adopt(plan);
        if (!Host.IsReadOnly && await _record.CloseAsync() is not Errno.None and var errno)
        {
            throw new MapperException(
                $"{Host.Name}: its state file {_store.Location} cannot be written ({errno}); make its directory "
                + "writable, or name another with --state-dir");
        }
        Tell(plan);
        if (!_legs.IsWhole && !Host.IsReadOnly)
            _copy.Start();
    }

    public override async ValueTask StopAsync()
    {
        await _copy.StopAsync();
        if (_inFlight > 0)
        {
            _drained = new TaskCompletionSource();
            await _drained.Task;
        }
        if (Host.IsReadOnly)
            return;
        LegFailures failures = await _writer.FlushAsync(_legs.Set);
        bool durable = (_legs.Trusted & ~failures.Bits) != 0;
        Note(failures, LegErrors.Write, Sectors.Zero, Sectors.Zero);
        if (!durable)
        {
            throw new IOException(
                $"{Host.Name}: no leg could be flushed; it is stopped without the mark of a clean stop");
        }
        if (await _record.CloseAsync() is not Errno.None and var errno)
            throw new IOException($"{Host.Name}: its state file {_store.Location} cannot be written ({errno})");
    }

    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken)
    {
        Leg source = _legs.Source;
        return Shift(
            await source.Device.ReadExtentsAsync(start + source.Offset, count, cancellationToken), source.Offset);
    }

    public override async ValueTask DisposeAsync()
    {
        await _copy.StopAsync();
        await _client.DisposeAsync();
        await _writer.DisposeAsync();
        _record.Dispose();
        _buffers.Dispose();
        await base.DisposeAsync();
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

    private async ValueTask<MirrorState?> ReadStateAsync()
    {
        try
        {
            return await _store.ReadAsync() is { } text ? MirrorStateJson.Read(text, Host.Name, _store.Location) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MapperException(
                $"{Host.Name}: its state file {_store.Location} cannot be read ({e.Message}); make it readable, or "
                + "name another directory with --state-dir");
        }
    }

    private void Adopt(MirrorPlan plan)
    {
        _volume = plan.Volume;
        _epoch = plan.Epoch;
        _legs.Begin(plan.States, plan.Source);
        foreach (Leg leg in _legs.Legs)
        {
            leg.Failure = plan.Failures[leg.Index];
            if (!leg.IsInSet)
                leg.Errors = leg.Failure?.Kind ?? LegErrors.Write;
        }
    }

    private void Tell(MirrorPlan plan)
    {
        if (plan.IsNew)
            MapperLog.Born(Host.Logger, Host.Name, _store.Location);
        else if (_options.AssumeClean)
            MapperLog.OptionIgnored(Host.Logger, Host.Name, "--assume-clean", _store.Location);
        else if (_options.SyncFrom is not null && _legs.IsWhole)
            MapperLog.OptionIgnored(Host.Logger, Host.Name, "--sync-from", _store.Location);
        if (plan.WasUnclean)
            MapperLog.Unclean(Host.Logger, Host.Name, plan.Source);
        foreach (Leg leg in _legs.Legs)
        {
            if (leg.IsInSet)
                continue;
            string reason = leg.Failure is { } failure
                ? $"{failure.Operation} at sector {failure.Sector} failed with {failure.Errno} on {failure.At:u}"
                : "it is not the leg that the state file names";
            MapperLog.LegStale(Host.Logger, Host.Name, leg.Index, leg.Place.Argument, reason, plan.Source);
        }
        MapperLog.Status(Host.Logger, Host.Name, Host.StatusOf(this));
    }

    // A leg in sync that lacks something (all legs failed a write there) is told as one that may differ.
    private MirrorState Snapshot(bool clean)
    {
        var legs = new LegRecord[_places.Count];
        foreach (Leg leg in _legs.Legs)
        {
            legs[leg.Index] = new LegRecord
            {
                Identity = leg.Identity,
                OffsetSectors = leg.Offset.Count,
                State = leg.State == LegState.InSync && leg.Lacks.Count > 0 ? LegState.MayDiffer : leg.State,
                Failure = leg.Failure,
            };
        }
        return new MirrorState
        {
            Volume = _volume,
            Device = Host.Name,
            StartSector = Begin.Count,
            LengthSectors = Length.Count,
            Epoch = _epoch,
            Clean = clean,
            Legs = legs,
        };
    }
}
