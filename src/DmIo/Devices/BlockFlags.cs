namespace DmIo;

/// <summary>How an operation is to be done.</summary>
[Flags]
public enum BlockFlags
{
    /// <summary>Nothing special.</summary>
    None = 0,

    /// <summary>The request completes only when its data is on stable media (force unit access).</summary>
    Fua = 1,

    /// <summary>What was acknowledged before is made durable before this request's data is written.</summary>
    Preflush = 2,

    /// <summary>Write zeroes keeps the space allocated (the kernel's NOUNMAP, NBD's NO_HOLE).</summary>
    NoUnmap = 4,
}
