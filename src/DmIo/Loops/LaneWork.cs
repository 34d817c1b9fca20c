namespace DmIo;

/// <summary>An item for a lane: executed on a worker thread, finished on the loop.</summary>
public abstract class LaneWork : LoopWork
{
    /// <summary>Does what may wait. Runs on a worker and touches nothing that belongs to the loop; must not throw.</summary>
    protected internal abstract void Execute();
}
