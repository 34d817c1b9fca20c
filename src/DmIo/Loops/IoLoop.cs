namespace DmIo;

/// <summary>
/// The home of volumes: one thread's worth of execution on which everything that a volume knows is touched without
/// locks, and the volume's clock. What completes on a loop is put on its ready list and run from there, never nested.
/// This base knows no thread and no kernel object, so an engine that runs on it runs under simulation as well.
/// </summary>
public abstract class IoLoop
{
    // How many generations of ready work run before the loop looks outside again: enough for a request to travel
    // through the stack and back, few enough that a busy volume cannot keep a socket or a timer waiting.
    private const int RoundsBetweenLooks = 16;

    private WorkList _ready;
    private WorkList _batchEnd;

    /// <summary>Creates the loop's parts that need no thread.</summary>
    protected IoLoop() => SynchronizationContext = new LoopSynchronizationContext(this);

    /// <summary>The loop's clock; its timers call back on the loop.</summary>
    public abstract TimeProvider Time { get; }

    /// <summary>Whether the caller runs on this loop.</summary>
    public abstract bool IsCurrent { get; }

    /// <summary>Brings the continuations of cold, asynchronous code back to this loop.</summary>
    public SynchronizationContext SynchronizationContext { get; }

    /// <summary>Whether nothing waits to be run.</summary>
    protected bool IsIdle => _ready.IsEmpty && _batchEnd.IsEmpty;

    /// <summary>Hands an item to the loop from any thread. Items of one thread run in the order of their posting.</summary>
    public abstract void Post(LoopWork work);

    /// <summary>
    /// Opens a lane: workers for what may wait long, so that it does not keep this loop waiting.
    /// </summary>
    /// <param name="name">What the lane serves, for thread names and diagnosis.</param>
    /// <param name="workers">How many items may be under way at once.</param>
    public abstract Lane OpenLane(string name, int workers);

    /// <summary>Puts an item at the end of the ready list. Only on the loop.</summary>
    public void Ready(LoopWork work) => _ready.Append(work);

    /// <summary>
    /// Puts an item on the list that runs once when the present batch is done, before the loop waits: sends of collected
    /// replies, wake-ups of lanes. Only on the loop.
    /// </summary>
    public void AtBatchEnd(LoopWork work) => _batchEnd.Append(work);

    /// <summary>Runs <paramref name="action"/> on the loop, continuations included, and gives its result to the caller.</summary>
    public Task<T> InvokeAsync<T>(Func<ValueTask<T>> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        var invocation = new LoopInvocation<T>(this, action);
        Post(invocation);
        return invocation.Task;
    }

    /// <summary>Runs <paramref name="action"/> on the loop, continuations included.</summary>
    public Task InvokeAsync(Func<ValueTask> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return InvokeAsync(async () =>
        {
            await action();
            return true;
        });
    }

    /// <summary>
    /// Runs ready work and, when none is left, what waits for the batch's end; returns when both lists are empty or it is
    /// time to look outside.
    /// </summary>
    protected void RunReady()
    {
        for (int round = 0; round < RoundsBetweenLooks && !IsIdle; round++)
        {
            WorkList generation = _ready;
            _ready = default;
            if (generation.IsEmpty)
            {
                generation = _batchEnd;
                _batchEnd = default;
            }
            while (generation.TakeFirst() is { } work)
                work.Run();
        }
        if (!_ready.IsEmpty)
        {
            WorkList batch = _batchEnd;
            _batchEnd = default;
            while (batch.TakeFirst() is { } work)
                work.Run();
        }
    }
}
