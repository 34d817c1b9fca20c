namespace DmIo;

/// <summary>
/// A way off the loop for what may wait long: blocking reads and writes of one leg, syncs, the state file. Work is
/// collected on the loop and the workers are woken once per batch.
/// </summary>
public abstract class Lane : IDisposable
{
    /// <summary>
    /// Queues an item: its <see cref="LaneWork.Execute"/> runs on a worker, then its <see cref="LoopWork.Run"/> on the
    /// loop. Only on the loop.
    /// </summary>
    public abstract void Enqueue(LaneWork work);

    /// <summary>Runs a function on a worker, for cold paths; the continuation runs on the loop. Only on the loop.</summary>
    public Task<T> RunAsync<T>(Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        var call = new LaneCall<T>(function);
        Enqueue(call);
        return call.Task;
    }

    /// <summary>Ends the workers when what is queued has been executed.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Does the blocking part of an item, for lanes that are not threads (a simulation's).</summary>
    protected static void ExecuteWork(LaneWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        work.Execute();
    }

    /// <inheritdoc cref="Dispose()"/>
    protected virtual void Dispose(bool disposing)
    {
    }
}
