namespace DmIo.Mapper;

/// <summary>
/// Brings regions that have been idle for a while to rest: all legs of the set are flushed, then those regions are marked
/// clean in the log where every leg of the table is identical.
/// </summary>
internal sealed class RegionSettler : LoopWork, IDisposable
{
    // After a flush that failed on every leg: not at once again. Arbitrary.
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(1);

    private readonly MirrorTarget _mirror;
    private readonly MappedDevice _host;
    private readonly LegSet _legs;
    private readonly RegionUses _uses;
    private readonly RegionLog _log;
    private readonly TimeSpan _after;
    private readonly ITimer _timer;
    private Task<bool> _running = Task.FromResult(true);
    private bool _armed;
    private bool _stopped;

    public RegionSettler(
        MirrorTarget mirror, MappedDevice host, LegSet legs, RegionUses uses, RegionLog log, TimeSpan after)
    {
        _mirror = mirror;
        _host = host;
        _legs = legs;
        _uses = uses;
        _log = log;
        _after = after;
        _timer = host.Loop.Time.CreateTimer(
            _ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Makes sure that idle regions will be looked at.</summary>
    public void Arm()
    {
        if (_armed || _stopped || _uses.FirstIdle is not { } first)
            return;
        _armed = true;
        if (_after == TimeSpan.Zero)
            _host.Loop.AtBatchEnd(this);
        else
            _timer.Change(Left(first), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Settles all that is idle now, however long it has been.</summary>
    /// <returns>False when legs could not be flushed.</returns>
    public async Task<bool> SettleNowAsync()
    {
        while (!_running.IsCompleted)
            await _running;
        _running = SettleAsync(all: true);
        return await _running;
    }

    /// <summary>Does nothing by itself any more.</summary>
    public void Stop() => _stopped = true;

    public void Dispose()
    {
        _stopped = true;
        _timer.Dispose();
    }

    protected override void Run() => Fire();

    private void Fire()
    {
        if (_stopped || !_running.IsCompleted)
            return;
        _host.Spawn("settling", async () =>
        {
            if (_stopped || !_running.IsCompleted)
                return;
            _running = SettleAsync(all: false);
            bool done = await _running;
            _armed = false;
            if (done)
                Arm();
            else if (!_stopped)
                ArmAfterFailure();
        });
    }

    private void ArmAfterFailure()
    {
        _armed = true;
        _timer.Change(s_retryAfter, Timeout.InfiniteTimeSpan);
    }

    private TimeSpan Left(RegionUse first)
    {
        TimeSpan idle = _host.Loop.Time.GetElapsedTime(first.IdleSince);
        // A timer that is due at once still lets the loop look at what arrives.
        return idle >= _after ? TimeSpan.Zero : _after - idle;
    }

    private bool IsDue(RegionUse use, bool all) => all || _host.Loop.Time.GetElapsedTime(use.IdleSince) >= _after;

    private async Task<bool> SettleAsync(bool all)
    {
        long due = 0;
        for (RegionUse? use = _uses.FirstIdle; use is not null && IsDue(use, all); use = use.Next)
            due = Math.Max(due, use.Stamp);
        if (due == 0)
            return true;
        bool flushes = !_mirror.HasFault(EngineFaults.CleanBeforeFlush);
        if (flushes && due > FlushedByAll() && !await _mirror.FlushSetAsync())
            return false;
        long flushed = flushes ? FlushedByAll() : due;
        RegionUse? next;
        for (RegionUse? use = _uses.FirstIdle; use is not null && IsDue(use, all); use = next)
        {
            next = use.Next;
            if (use.Stamp <= flushed)
                Settle(use);
        }
        _log.Commit();
        return flushed >= due;
    }

    private long FlushedByAll()
    {
        long flushed = long.MaxValue;
        foreach (Leg leg in _legs.Legs)
        {
            if (leg.IsInSet)
                flushed = Math.Min(flushed, leg.FlushedStamp);
        }
        return flushed;
    }

    private void Settle(RegionUse use)
    {
        long region = use.Region;
        _uses.Settle(use);
        if (_legs.IsInSync(region))
            _log.MarkClean(region);
    }
}
