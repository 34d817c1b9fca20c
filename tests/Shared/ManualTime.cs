namespace DmIo.Testing;

/// <summary>The clock of a <see cref="ManualLoop"/>: it moves when told, and timers call back on the loop.</summary>
public sealed class ManualTime : TimeProvider
{
    private readonly ManualLoop _loop;
    private readonly PriorityQueue<(ManualTimer Timer, int Version), (long Due, long Order)> _due = new();
    private long _nowTicks;
    private long _order;

    internal ManualTime(ManualLoop loop) => _loop = loop;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How far the clock has been advanced.</summary>
    public TimeSpan Elapsed => new(_nowTicks);

    public override long GetTimestamp() => _nowTicks;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(_nowTicks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets time pass: every timer that falls due runs at its own instant, and the loop until idle after it.</summary>
    public void Advance(TimeSpan by)
    {
        _loop.RunUntilIdle();
        long end = _nowTicks + by.Ticks;
        while (_due.TryPeek(out _, out (long Due, long Order) next) && next.Due <= end)
        {
            (ManualTimer timer, int version) = _due.Dequeue();
            if (!timer.IsDue(version))
                continue;
            _nowTicks = Math.Max(_nowTicks, next.Due);
            timer.Fire();
            _loop.RunUntilIdle();
        }
        _nowTicks = end;
    }

    private void Schedule(ManualTimer timer, int version, TimeSpan after) =>
        _due.Enqueue((timer, version), (_nowTicks + after.Ticks, _order++));

    private sealed class ManualTimer(ManualTime owner, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;
        private int _version;
        private bool _isDisposed;

        public bool IsDue(int version) => version == _version;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_isDisposed)
                return false;
            _version++;
            _period = period;
            if (dueTime != Timeout.InfiniteTimeSpan)
                owner.Schedule(this, _version, dueTime);
            return true;
        }

        public void Fire()
        {
            if (_period > TimeSpan.Zero)
                owner.Schedule(this, _version, _period);
            callback(state);
        }

        public void Dispose()
        {
            _isDisposed = true;
            _version++;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
