namespace DmIo.Mapper;

/// <summary>
/// A core log: which regions are in sync is kept in memory, and a state file says the rest. It is replaced as a whole
/// when a leg leaves, when all are in sync, before the first write and at a clean stop. After a crash legs of the set may
/// differ anywhere, and legs outside it lack everything.
/// </summary>
internal sealed class CoreLog : RegionLog
{
    private readonly IoLoop _loop;
    private readonly IStateStore _store;
    private readonly MirrorStateFile _file;
    private readonly TimeSpan _retryAfter;
    private readonly ITimer _retry;
    private Task _committing = Task.CompletedTask;
    private long _started;
    private bool _wanted;
    private bool _isCommitting;
    private bool _open;
    private bool _isOpen;
    private ulong _durablyOut;

    public CoreLog(IoLoop loop, IStateStore store, MirrorStateFile file, LegSet legs, TimeSpan retryAfter)
        : base(legs)
    {
        _loop = loop;
        _store = store;
        _file = file;
        _retryAfter = retryAfter;
        _retry = loop.Time.CreateTimer(_ => Commit(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public override string Location => _store.Location;

    public override async ValueTask<RecordedMirror?> OpenAsync() =>
        await _file.ReadAsync(_store) is { } state ? _file.Recorded(state, _store.Location) : null;

    public override async ValueTask<Errno> BeginAsync(Guid volume, long epoch)
    {
        _file.Volume = volume;
        _file.Epoch = epoch;
        foreach (Leg leg in Legs.Legs)
        {
            leg.Recorded.Clear();
            leg.Recorded.UnionWith(leg.Lacks);
        }
        return await SaveAsync();
    }

    public override async ValueTask<Errno> EndAsync()
    {
        while (_isCommitting)
            await _committing;
        _open = _isOpen = false;
        // No retry of a commit comes between.
        _isCommitting = true;
        Errno errno = await SaveAsync();
        _isCommitting = false;
        return errno;
    }

    public override long MarkDirty(long region)
    {
        if (_isOpen)
            return 0;
        _open = true;
        return Want();
    }

    public override void MarkClean(long region)
    {
    }

    public override long NoteLack(Leg leg, long region)
    {
        // Of a leg outside the set the file says enough; of one inside each region must be named.
        bool isNew = leg.Recorded.Add(region);
        if ((_durablyOut & leg.Bit) != 0 && !leg.IsInSet)
            return 0;
        return isNew || _isCommitting || _wanted ? Want() : 0;
    }

    public override long NoteHas(Leg leg, long region) => leg.Recorded.Remove(region) ? Want() : 0;

    public override long NoteLegs(long epoch)
    {
        _file.Epoch = epoch;
        return Want();
    }

    public override void Commit()
    {
        if (!_wanted || _isCommitting)
            return;
        _isCommitting = true;
        _committing = _loop.InvokeAsync(CommitAllAsync);
    }

    public override ValueTask DisposeAsync()
    {
        _retry.Dispose();
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    private long Want()
    {
        _wanted = true;
        return _started + 1;
    }

    private async ValueTask CommitAllAsync()
    {
        while (_wanted)
        {
            Errno errno = await SaveAsync();
            Committed(errno);
            if (errno == Errno.None)
                continue;
            _retry.Change(_retryAfter, Timeout.InfiniteTimeSpan);
            break;
        }
        _isCommitting = false;
    }

    private async Task<Errno> SaveAsync()
    {
        _wanted = false;
        long number = ++_started;
        bool open = _open;
        ulong distrusted = Legs.All & ~Legs.Set;
        // From here on the file may already say the new state, and until the save has ended it may still say the old.
        _durablyOut &= distrusted;
        _isOpen &= open;
        Errno errno = await _file.WriteAsync(_store, clean: !open);
        if (errno != Errno.None)
        {
            _wanted = true;
            return errno;
        }
        _durablyOut = distrusted;
        _isOpen = open;
        Durable = number;
        return Errno.None;
    }
}
