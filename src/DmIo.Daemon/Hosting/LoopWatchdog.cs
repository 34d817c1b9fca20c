namespace DmIo.Daemon.Hosting;

/// <summary>
/// Says that the daemon is alive, as long as every I/O loop goes round: each is sent an item by its mailbox, and only when
/// all have run theirs a word goes out, and the next items.
/// </summary>
/// <param name="loops">The loops; they must run until this is disposed of.</param>
/// <param name="alive">Says it; called on a loop, so it must not wait.</param>
internal sealed class LoopWatchdog(IReadOnlyList<IoLoop> loops, Action alive) : IAsyncDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly Action _alive = alive;
    private Task _watching = Task.CompletedTask;
    private int _unanswered;

    /// <summary>Looks as often as that, beginning at once.</summary>
    public void Start(TimeSpan interval) => _watching = WatchAsync(interval);

    /// <summary>Sends each loop an item, unless one has not run the last one yet.</summary>
    public void Look()
    {
        if (Interlocked.CompareExchange(ref _unanswered, loops.Count, 0) != 0)
            return;
        foreach (IoLoop loop in loops)
            loop.Post(new Answer(this));
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _watching;
        _ending.Dispose();
    }

    private async Task WatchAsync(TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval, TimeProvider.System);
        try
        {
            do
                Look();
            while (await timer.WaitForNextTickAsync(_ending.Token));
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    private sealed class Answer(LoopWatchdog watchdog) : LoopWork
    {
        protected override void Run()
        {
            if (Interlocked.Decrement(ref watchdog._unanswered) == 0)
                watchdog._alive();
        }
    }
}
