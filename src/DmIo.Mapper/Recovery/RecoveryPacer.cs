namespace DmIo.Mapper;

/// <summary>Keeps recovery to its rate: one while clients are at work, another while they are not.</summary>
internal sealed class RecoveryPacer(TimeProvider time, MirrorOptions options, Func<long> lastRequest)
{
    // Clients that have asked nothing for so long are not at work. Arbitrary.
    private static readonly TimeSpan s_busyFor = TimeSpan.FromMilliseconds(100);

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

    private long Rate()
    {
        bool busy = lastRequest() != 0 && time.GetElapsedTime(lastRequest()) < s_busyFor;
        long most = options.RecoveryRateBytes;
        long besideClients = options.RecoveryBusyRateBytes;
        if (!busy || besideClients == 0)
            return most;
        return most == 0 ? besideClients : Math.Min(most, besideClients);
    }

    private async Task DelayAsync(TimeSpan delay)
    {
        var due = new TaskCompletionSource();
        using ITimer timer = time.CreateTimer(_ => due.TrySetResult(), null, delay, Timeout.InfiniteTimeSpan);
        await due.Task;
    }
}
