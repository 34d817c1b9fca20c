namespace DmIo.Mapper;

/// <summary>
/// Makes legs alike where they are not: region by region, several at once, holes as holes, only what is lacked, while
/// clients read and write. Each chunk is copied under a turn, so it is ordered with clients' changes, which meanwhile go to
/// all legs of the set. Stops and goes on where it was: what is done is noted region by region.
/// </summary>
internal sealed partial class MirrorRecovery(
    MirrorTarget mirror, MappedDevice host, LegSet legs, LegWriter writer, BufferPool buffers, MirrorOptions options,
    Sectors chunkSize)
{
    /// <summary>
    /// Runs of regions under way at once. Arbitrary: enough to overlap reading with writing, few enough to leave room for
    /// clients.
    /// </summary>
    public const int Workers = 4;

    /// <summary>
    /// Long enough to keep a disk busy, short enough that a client's write does not wait long for its turn; no longer than
    /// a worker's buffer.
    /// </summary>
    public static readonly Sectors DefaultChunk = Sectors.FromBytes(BufferPool.MaxBytes);

    // Bounds how long a write waits where a hole has become data meanwhile. Arbitrary.
    private const int HoleFactor = 32;

    // What was copied is believed in batches, since each costs a flush and a commit of the log. Arbitrary: what is done
    // again after a crash.
    private static readonly Sectors s_batch = Sectors.FromBytes(16 << 20);
    private static readonly TimeSpan s_batchTime = TimeSpan.FromSeconds(1);

    private readonly List<RecoverySpan> _active = [];
    private readonly RecoveryPacer _pacer = new(
        host.Loop.Time, options.RecoveryRateBytes, options.RecoveryBusyRateBytes, () => mirror.LastRequest);
    private RecoveryCursor _cursor = new(legs);
    private Task _running = Task.CompletedTask;
    private bool _isRunning;
    private bool _again;
    private bool _stopping;
    private bool _isStuck;
    private bool _waits;
    private Task _believing = Task.CompletedTask;

    /// <summary>What is being copied.</summary>
    public IReadOnlyList<RecoverySpan> UnderWay => _active;

    /// <summary>How far it is; null when nothing is copied.</summary>
    public RecoveryProgress? Progress { get; private set; }

    /// <summary>Starts copying what legs of the set lack although some of that failed a moment ago.</summary>
    public void Restart()
    {
        _waits = false;
        Start();
    }

    /// <summary>Starts copying what legs of the set lack.</summary>
    public void Start()
    {
        if (_waits || _stopping || mirror.IsReadOnly || !options.Recovers)
            return;
        if (_isRunning)
        {
            _again = true;
            return;
        }
        if (legs.NextToCopy(0) < 0)
            return;
        _isRunning = true;
        _running = host.Spawn("recovery", RunAsync);
    }

    /// <summary>Stops when the chunks under way are done; what was copied stays noted.</summary>
    public Task StopAsync()
    {
        _stopping = true;
        return _running;
    }

    /// <summary>Goes on after <see cref="StopAsync"/>.</summary>
    public void Resume()
    {
        _stopping = false;
        Restart();
    }

    /// <summary>Tells that legs may differ again in a region.</summary>
    public void Disturb(long region)
    {
        foreach (RecoverySpan span in _active)
            span.Disturb(region);
    }

    /// <summary>Tells that a leg has left the set or entered it: what is under way did not take that into account.</summary>
    public void SetChanged()
    {
        foreach (RecoverySpan span in _active)
            span.IsOutdated = !mirror.HasFault(EngineFaults.BelievesOutdatedCopies);
        _again |= _isRunning;
    }

    private async ValueTask RunAsync()
    {
        do
        {
            _again = _isStuck = false;
            _cursor = new RecoveryCursor(legs);
            Progress = new RecoveryProgress(host.Loop.Time, legs.CountToCopy(), legs.RegionSize);
            MapperLog.RecoveryBegins(host.Logger, host.Name, Progress.TotalRegions);
            host.Raise(
                mirror, VolumeEventKind.RecoveryBegan, new EventDetails { Count = Progress.TotalRegions });
            var workers = new Task[Workers];
            for (int i = 0; i < Workers; i++)
                workers[i] = WorkAsync();
            await Task.WhenAll(workers);
            await _believing;
        }
        while (!_stopping && !_isStuck && (_again || legs.NextToCopy(0) >= 0));
        if (!_stopping)
        {
            mirror.Join();
            if (_isStuck || legs.NextToCopy(0) >= 0)
            {
                long left = legs.CountToCopy();
                MapperLog.RecoveryIncomplete(host.Logger, host.Name, left);
                host.Raise(mirror, VolumeEventKind.RecoveryIncomplete, new EventDetails { Count = left });
                _waits = true;
                mirror.RecoverLater();
            }
        }
        Progress = null;
        _isRunning = false;
        if (_again && !_isStuck)
            Start();
    }

    private async Task WorkAsync()
    {
        LentBuffer? buffer = LentBuffer.TryRent(buffers, BufferPool.MaxBytes);
        try
        {
            while (!_stopping && buffer is not null && _cursor.TryNext(IsBusy, out RecoverySpan? span))
            {
                _active.Add(span!);
                await RecoverAsync(span!, buffer);
                span!.IsDone = true;
                BelieveLater(span);
                if (!buffer.IsPinned)
                    continue;
                buffer.Release();
                buffer = LentBuffer.TryRent(buffers, BufferPool.MaxBytes);
            }
        }
        finally
        {
            buffer?.Release();
        }
    }

    private bool IsBusy(long region)
    {
        foreach (RecoverySpan span in _active)
        {
            if (region >= span.FirstRegion && region <= span.LastRegion)
                return true;
        }
        return false;
    }

    private async Task RecoverAsync(RecoverySpan span, LentBuffer buffer)
    {
        Sectors end = legs.StartOf(span.LastRegion + 1);
        Sectors want = chunkSize;
        Sectors count;
        Sectors believed = legs.StartOf(span.FirstRegion);
        long since = host.Loop.Time.GetTimestamp();
        for (Sectors at = legs.StartOf(span.FirstRegion); at < end && !_stopping && !span.IsOutdated; at += count)
        {
            // A power of two long and aligned to it: a chunk lies within one region or covers whole ones.
            long size = want.Count;
            while ((at.Count & (size - 1)) != 0)
                size >>= 1;
            count = Sectors.Min(new Sectors(size), end - at);
            bool wasHole = await ChunkAsync(span, at, count, buffer);
            want = wasHole ? Sectors.Min(new Sectors(want.Count * 2), new Sectors(chunkSize.Count * HoleFactor)) : chunkSize;
            if (at + count - believed < s_batch && host.Loop.Time.GetElapsedTime(since) < s_batchTime)
                continue;
            BelieveLater(span);
            believed = at + count;
            since = host.Loop.Time.GetTimestamp();
        }
    }
}
