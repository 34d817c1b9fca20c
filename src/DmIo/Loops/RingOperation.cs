using DmIo.Linux;

namespace DmIo;

/// <summary>One operation on a loop's ring: prepared by its maker, completed on the loop from the ready list.</summary>
internal abstract class RingOperation : LoopWork
{
    /// <summary>What goes to the kernel; the memory it names stays as it is until completion.</summary>
    public SubmissionEntry Entry;

    /// <summary>What the kernel answered: a count, or a negative error number.</summary>
    public int Result { get; set; }

    internal int Slot { get; set; }
}
