namespace DmIo;

/// <summary>The clock of a kernel loop: timers live on the loop and call back there.</summary>
internal sealed class LoopTime : TimeProvider
{
    // What changes and disposals leave behind may be half of all entries, and these more. 64: less than a page.
    private const int AllowedStale = 64;

    private readonly PriorityQueue<LoopTimer, long> _due = new();
    private int _stale;

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
            if (timer.IsDueAt(due))
                timer.Fire(due);
            else
                _stale--;
        }
    }

    private void Schedule(LoopTimer timer, long due) => _due.Enqueue(timer, due);

    // Most timers are deadlines that never come: left until they are due, they would keep all that they know of.
    private void LeaveBehind()
    {
        _stale++;
        if (_stale <= AllowedStale + _due.Count / 2)
            return;
        (LoopTimer, long)[] kept = [.. _due.UnorderedItems.Where(entry => entry.Element.IsDueAt(entry.Priority))];
        _due.Clear();
        _due.EnqueueRange(kept);
        _stale = 0;
    }

    private sealed class LoopTimer(LoopTime owner, TimerCallback callback, object? state) : ITimer
    {
        private TimerCallback? _callback = callback;
        private object? _state = state;
        private long _due = long.MaxValue;
        private TimeSpan _period = Timeout.InfiniteTimeSpan;
        private bool _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_isDisposed)
                return false;
            _period = period;
            long due = dueTime == Timeout.InfiniteTimeSpan
                ? long.MaxValue
                : owner.GetTimestamp() + (long)(dueTime.TotalSeconds * owner.TimestampFrequency);
            if (due == _due)
                return true;
            TakeBack();
            _due = due;
            if (due != long.MaxValue)
                owner.Schedule(this, due);
            return true;
        }

        // An entry whose time is no longer the timer's is what a change or a disposal left behind.
        public bool IsDueAt(long due) => due == _due;

        public void Fire(long due)
        {
            if (_period > TimeSpan.Zero)
            {
                _due = due + (long)(_period.TotalSeconds * owner.TimestampFrequency);
                owner.Schedule(this, _due);
            }
            else
            {
                _due = long.MaxValue;
            }
            _callback!(_state);
        }

        public void Dispose()
        {
            _isDisposed = true;
            TakeBack();
            (_callback, _state) = (null, null);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void TakeBack()
        {
            if (_due == long.MaxValue)
                return;
            _due = long.MaxValue;
            owner.LeaveBehind();
        }
    }
}
