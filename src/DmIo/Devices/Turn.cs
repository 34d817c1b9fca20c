namespace DmIo;

/// <summary>
/// A place in the order of changes to a range of a device. Whoever holds a turn may change the range; overlapping turns
/// are granted in the order in which they were asked for.
/// </summary>
public abstract class Turn : LoopWork
{
    internal Turn? Previous;
    internal Turn? Following;
    internal int Blockers;

    /// <summary>First sector of the range.</summary>
    public Sectors Start { get; internal set; }

    /// <summary>First sector behind the range.</summary>
    public Sectors End { get; internal set; }

    /// <inheritdoc/>
    protected internal sealed override void Run() => Granted();

    /// <summary>
    /// Runs on the loop, from its ready list, when a turn that had to wait is granted; not called when
    /// <see cref="Turns.TryEnter"/> granted it at once.
    /// </summary>
    protected abstract void Granted();
}
