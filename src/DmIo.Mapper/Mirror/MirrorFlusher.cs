namespace DmIo.Mapper;

/// <summary>
/// Flushes the legs of the set: one flush is under way, and its result governs all that waited for it when it began,
/// clients and the mirror itself. So no flush that succeeds hides that an earlier one failed.
/// </summary>
internal sealed class MirrorFlusher : IAsyncDisposable
{
    private readonly MirrorTarget _mirror;
    private readonly IoClient _client;
    private readonly LegSet _legs;
    private readonly RegionUses _uses;
    private readonly IoRegion[] _regions;
    private readonly DeadlineWatch _watch;
    private FlushRequest _request;
    private List<BlockRequest> _waiting = [];
    private List<BlockRequest> _served = [];
    private long _gate;
    private bool _isGated;
    private TaskCompletionSource<bool>? _own;
    private TaskCompletionSource<bool>? _ownServed;
    private LegFailures? _failures;
    private ulong _asked;
    private long _stamp;
    private bool _isBusy;
    private bool _owesError;

    public MirrorFlusher(MirrorTarget mirror, LegSet legs, RegionUses uses, DeadlineWatch watch)
    {
        _watch = watch;
        _request = new FlushRequest(this);
        _mirror = mirror;
        _legs = legs;
        _uses = uses;
        _client = new IoClient(mirror.Loop, 1) { WaitsForAbandoned = false };
        _regions = new IoRegion[legs.Legs.Length];
    }

    /// <summary>A client's flush waits for one that begins now or later.</summary>
    public void Join(BlockRequest request)
    {
        _waiting.Add(request);
        Begin();
    }

    /// <summary>Flushes for the mirror itself.</summary>
    /// <returns>Whether what the legs of the set hold is durable.</returns>
    public Task<bool> FlushAsync()
    {
        _own ??= new TaskCompletionSource<bool>();
        Task<bool> task = _own.Task;
        Begin();
        return task;
    }

    /// <summary>A write that was answered early has ended: a flush may have waited for it.</summary>
    public void LaggardEnded()
    {
        if (_failures is not null)
            Decide();
        else if (_isGated)
            Begin();
    }

    /// <summary>What was answered could not be kept: the next client that flushes is told.</summary>
    public void OweError() => _owesError = true;

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private void Finished(in IoOutcome outcome)
    {
        _watch.Remove(_request);
        // One that may still land on a leg is not used again before.
        if (_request.PinnedBits != 0)
            _request = new FlushRequest(this);
        _failures = new LegFailures();
        _failures.Add(_asked, outcome);
        _mirror.NoteFlushed(_asked & ~_failures.Bits, _stamp);
        _gate = _mirror.LastAnsweredEarly;
        Decide();
    }

    // What a leg has forgotten another has, or will have when it has caught up with writes that were answered: before, it
    // would hold nothing of a region that it is behind in.
    private void Decide()
    {
        LegFailures failures = _failures!;
        if (failures.Bits != 0 && _mirror.AnyLagsUpTo(_gate))
            return;
        _failures = null;
        _legs.Forgetful = 0;
        // The kernel tells a client's flush that failed from one of its own.
        LegErrors kind = _served.Count > 0 ? LegErrors.Write : LegErrors.Flush;
        bool isDurable = _mirror.FlushFailed(failures, _asked & ~failures.Bits, kind);
        _mirror.Decided(failures.Bits);
        _mirror.ReadAfterDecision();
        // What a flush of the mirror's own could not save, the next client is told.
        _owesError |= !isDurable;
        foreach (BlockRequest request in _served)
            _mirror.EndFlush(request, !_owesError, failures);
        _owesError &= _served.Count == 0;
        _served.Clear();
        TaskCompletionSource<bool>? own = _ownServed;
        _ownServed = null;
        _isBusy = false;
        Begin();
        own?.SetResult(isDurable);
    }

    private void Begin()
    {
        if (_isBusy)
            return;
        if (!_isGated)
        {
            if (_waiting.Count == 0 && _own is null)
                return;
            (_waiting, _served) = (_served, _waiting);
            (_own, _ownServed) = (null, _own);
            _gate = _mirror.LastAnsweredEarly;
            _isGated = true;
        }
        // What was acknowledged and has not reached all legs yet is not durable by this flush.
        if (_mirror.AnyLagsUpTo(_gate) && !_mirror.HasFault(EngineFaults.FlushesBesideLaggards))
            return;
        _isGated = false;
        _isBusy = true;
        _stamp = _uses.Stamp;
        _asked = _legs.Set;
        int count = 0;
        foreach (Leg leg in _legs.Legs)
        {
            if ((_asked & leg.Bit) != 0)
                _regions[count++] = new IoRegion(leg.Device, Sectors.Zero, Sectors.Zero);
        }
        _request.Asked = _asked;
        _request.SetRegions(_regions.AsSpan(0, count));
        if (_client.Submit(_request) is not Errno.None and var refused)
            throw new InvalidOperationException($"dm-io refused a flush of the mirror's: {refused}.");
        _watch.Add(_request);
    }

    private sealed class FlushRequest : IoRequest, IWatched
    {
        private readonly MirrorFlusher _flusher;

        public FlushRequest(MirrorFlusher flusher)
        {
            _flusher = flusher;
            Operation = BlockOperation.Flush;
            Memory = IoMemory.None;
        }

        public ulong Asked { get; set; }

        public long BeganAt { get; set; }

        public IWatched? Earlier { get; set; }

        public IWatched? Later { get; set; }

        protected override bool TracksRegions => true;

        public void Overdue() => _flusher._mirror.GiveUp(this, _flusher._client, Asked);

        protected override void RegionFinished(int region, in RegionFailure? failure)
        {
            if (failure is null)
                return;
            _flusher._mirror.LegOf(Asked, region).Meter.Writes.Failed();
            _flusher._mirror.Suspect(Asked, region, forgets: true);
        }

        protected override void Landed(int region) => _flusher._mirror.Landed(_flusher._mirror.LegOf(Asked, region));

        protected override void Notify(in IoOutcome outcome) => _flusher.Finished(outcome);
    }
}
