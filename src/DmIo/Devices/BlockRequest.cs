namespace DmIo;

/// <summary>
/// One operation on one block device, from submission to completion. Requests are pooled by whoever makes them: a derived
/// class adds what its maker needs to know and overrides <see cref="Completed"/>. From
/// <see cref="BlockDevice.Submit"/> until <see cref="Completed"/> the request and the memory that it names belong to the
/// device and stay as they are; if it <see cref="IsHeld"/> then, until <see cref="Unheld"/>.
/// </summary>
public abstract partial class BlockRequest : LoopWork
{
    /// <summary>What is asked.</summary>
    public BlockOperation Operation { get; set; }

    /// <summary>How it is to be done.</summary>
    public BlockFlags Flags { get; set; }

    /// <summary>First sector.</summary>
    public Sectors Start { get; set; }

    /// <summary>Length in sectors; zero for a flush.</summary>
    public Sectors Count { get; set; }

    /// <summary>The data buffer of a read or write, exactly <see cref="Count"/> sectors long; empty otherwise.</summary>
    public IoVector Data { get; set; }

    /// <summary>
    /// Set by a maker that already holds the turn on a range that covers this request (read-modify-write, recovery): the
    /// device then does not queue it behind that turn.
    /// </summary>
    public Turn? HeldTurn { get; set; }

    /// <summary>
    /// Set when nobody waits for the request any more (its connection died): if it has not been started yet it never
    /// will be, and completes with <see cref="Errno.ECANCELED"/>.
    /// </summary>
    public bool IsAbandoned { get; set; }

    /// <summary>The result: <see cref="Errno.None"/> or why it failed.</summary>
    public Errno Error { get; private set; }

    /// <summary>After a failure, the first sector of the device that is known to have failed.</summary>
    public Sectors FailedAt { get; private set; }

    /// <summary>After a failure, what is behind it where the device has others beneath; may be null.</summary>
    public BlockFailure? Failure { get; private set; }

    /// <summary>First sector behind the request.</summary>
    public Sectors End => Start + Count;

    /// <summary>Whether the operation changes what a range of the device reads as.</summary>
    public bool ChangesData => Operation is BlockOperation.Write or BlockOperation.Discard or BlockOperation.WriteZeroes;

    // The turn that an ordered device took for this request; given back before Completed runs.
    internal OrderedDevice.RequestTurn? OwnTurn { get; set; }

    // The ordered device that has started this request and counts it until it has ended.
    internal OrderedDevice? StartedBy { get; set; }

    /// <summary>
    /// Called by the device, on its loop, exactly once: <see cref="Completed"/> runs from the loop's ready list.
    /// </summary>
    public void Complete(
        IoLoop loop, Errno error = Errno.None, Sectors failedAt = default, BlockFailure? failure = null)
    {
        ArgumentNullException.ThrowIfNull(loop);
        Error = error;
        FailedAt = failedAt;
        Failure = failure;
        loop.Ready(this);
    }

    /// <summary>Sets the result before a worker hands the request back; the loop then runs it as completed.</summary>
    internal void SetResult(Errno error, Sectors failedAt)
    {
        Error = error;
        FailedAt = failedAt;
        Failure = null;
    }

    /// <inheritdoc/>
    protected internal sealed override void Run()
    {
        if (OwnTurn is { } turn)
        {
            OwnTurn = null;
            turn.Finish();
        }
        if (_holds != 0)
            _completedHeld = true;
        if (StartedBy is { } device)
        {
            StartedBy = null;
            device.Ended();
        }
        Completed();
    }

    /// <summary>
    /// Runs on the device's loop, exactly once per submission, when the operation has ended;
    /// <see cref="Error"/> tells how. The request may be submitted again or returned to its pool from here, unless it
    /// <see cref="IsHeld"/>.
    /// </summary>
    protected abstract void Completed();
}
