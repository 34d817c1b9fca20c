namespace DmIo.Fuzz;

/// <summary>Counts how often each block of the server's code runs, on the threads that somebody asks for.</summary>
public static class Coverage
{
    /// <summary>More blocks than there are.</summary>
    public const int MaxBlocks = 1 << 13;

    private static readonly byte[] s_unwanted = new byte[MaxBlocks];

    [ThreadStatic]
    private static byte[]? t_hits;

    /// <summary>From here on this thread counts into <paramref name="hits"/>.</summary>
    public static void Attach(byte[] hits) => t_hits = hits;

    /// <summary>Called by the server's code at the beginning of each block.</summary>
    public static void Hit(int block)
    {
        ref byte hits = ref (t_hits ?? s_unwanted)[block];
        if (hits < byte.MaxValue)
            hits++;
    }
}
