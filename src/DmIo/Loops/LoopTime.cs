namespace DmIo;

/// <summary>The clock of a kernel loop: timers live on the loop and call back there.</summary>
internal sealed class LoopTime : TimeProvider
{
    private readonly PriorityQueue<LoopTimer, long> _due = new();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new LoopTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Milliseconds until the next timer, rounded up; -1 when there is none.</summary>
    public int UntilNextMs()
    {
        if (!_due.TryPeek(out _, out long due))
            return -1;
        long ticks = due - GetTimestamp();
        if (ticks <= 0)
            return 0;
        // A timer that is further away than a wait can be is waited for in parts.
        long seconds = ticks / TimestampFrequency;
        return seconds >= int.MaxValue / 1000
            ? int.MaxValue
            : (int)((ticks * 1000 + TimestampFrequency - 1) / TimestampFrequency);
    }

    public void FireDue()
    {
        while (_due.TryPeek(out LoopTimer? timer, out long due) && due <= GetTimestamp())
        {
            _due.Dequeue();
            timer.Fire(due);
        }
    }

    private void Schedule(LoopTimer timer, long due) => _due.Enqueue(timer, due);

    private sealed class LoopTimer(LoopTime owner, TimerCallback callback, object? state) : ITimer
    {
        private long _due = long.MaxValue;
        private TimeSpan _period = Timeout.InfiniteTimeSpan;
        private bool _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_isDisposed)
                return false;
            _period = period;
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                _due = long.MaxValue;
                return true;
            }
            _due = owner.GetTimestamp() + (long)(dueTime.TotalSeconds * owner.TimestampFrequency);
            owner.Schedule(this, _due);
            return true;
        }

        // An entry whose time is no longer the timer's is what a change or a disposal left behind.
        public void Fire(long due)
        {
            if (due != _due)
                return;
            if (_period > TimeSpan.Zero)
            {
                _due = due + (long)(_period.TotalSeconds * owner.TimestampFrequency);
                owner.Schedule(this, _due);
            }
            else
            {
                _due = long.MaxValue;
            }
            callback(state);
        }

        public void Dispose()
        {
            _isDisposed = true;
            _due = long.MaxValue;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
