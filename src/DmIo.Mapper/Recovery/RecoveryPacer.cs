namespace DmIo.Mapper;

/// <summary>Keeps the mirror's own work to its rate: one while clients are at work, another while they are not.</summary>
/// <param name="time">The loop's clock.</param>
/// <param name="rateBytes">The most bytes per second; zero: no limit.</param>
/// <param name="busyRateBytes">The same while clients are at work; zero: no less than otherwise.</param>
/// <param name="lastRequest">When a client asked something last; 0 when none has.</param>
internal sealed class RecoveryPacer(TimeProvider time, long rateBytes, long busyRateBytes, Func<long> lastRequest)
{
    // Clients that have asked nothing for so long are not at work. Arbitrary.
    private static readonly TimeSpan s_busyFor = TimeSpan.FromMilliseconds(100);

    private readonly List<TaskCompletionSource> _waiting = [];
    private long _nextAt = time.GetTimestamp();

    /// <summary>Waits until so many more bytes may be copied.</summary>
    public Task WaitAsync(long bytes)
    {
        long now = time.GetTimestamp();
        long rate = Rate();
        if (rate == 0)
        {
            _nextAt = now;
            return Task.CompletedTask;
        }
        long start = Math.Max(now, _nextAt);
        _nextAt = start + (long)((double)bytes / rate * time.TimestampFrequency);
        return start == now ? Task.CompletedTask : DelayAsync(time.GetElapsedTime(now, start));
    }

    /// <summary>Whoever waits goes on at once.</summary>
    public void Release()
    {
        _nextAt = time.GetTimestamp();
        foreach (TaskCompletionSource due in _waiting.ToArray())
            due.TrySetResult();
    }

    /// <summary>Waits so long, or until <see cref="Release"/>.</summary>
    public async Task DelayAsync(TimeSpan delay)
    {
        var due = new TaskCompletionSource();
        _waiting.Add(due);
        using ITimer timer = time.CreateTimer(_ => due.TrySetResult(), null, delay, Timeout.InfiniteTimeSpan);
        await due.Task;
        _waiting.Remove(due);
    }

    private long Rate()
    {
        bool busy = lastRequest() != 0 && time.GetElapsedTime(lastRequest()) < s_busyFor;
        if (!busy || busyRateBytes == 0)
            return rateBytes;
        return rateBytes == 0 ? busyRateBytes : Math.Min(rateBytes, busyRateBytes);
    }
}
