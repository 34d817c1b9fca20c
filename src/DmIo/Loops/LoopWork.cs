namespace DmIo;

/// <summary>
/// Something that a loop runs: a completion, a message from another thread, a step of a state machine. A work item is in
/// at most one list at a time (ready list, mailbox, lane), so the link lies in the item and queueing allocates nothing.
/// </summary>
public abstract class LoopWork
{
    internal LoopWork? NextWork;

    /// <summary>Runs on the loop's thread, from the ready list, never nested in another item.</summary>
    protected internal abstract void Run();
}
