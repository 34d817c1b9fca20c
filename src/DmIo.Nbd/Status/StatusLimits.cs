namespace DmIo.Nbd.Status;

/// <summary>What answering BLOCK_STATUS may cost.</summary>
internal static class StatusLimits
{
    /// <summary>
    /// The most extents of one chunk; the client asks on behind the last. The protocol would have at most 2^20. 4096: a
    /// chunk of 64 KiB at most, and a round trip for each costs nothing beside finding them.
    /// </summary>
    public const int MostExtents = 4096;

    /// <summary>
    /// How much of a device is looked through at once, to begin with: bounds what a device has to remember of a range
    /// that is all small holes. 8 MiB: 2048 extents of 4 KiB, less than the collector keeps apart as large.
    /// </summary>
    public const long FirstWindowBytes = 8 << 20;

    /// <summary>
    /// How many windows of an export are looked through at once, those included that nobody waits for any more: what was
    /// found waits for the loop, and the loop may have more to do than those who find. 4: a disk has something to do, and
    /// what waits is small.
    /// </summary>
    public const int LookupsAtOnce = 4;

    /// <summary>Where there are few extents, the window grows up to here: 1 TiB, so that large empty exports are quick.</summary>
    public const long LargestWindowBytes = 1L << 40;

    /// <summary>Fewer extents than this in a window, and the next one is larger.</summary>
    public const int FewExtents = 256;

    /// <summary>How much larger: if it goes on like that, the next window has no more extents than a chunk.</summary>
    public const int WindowGrowth = MostExtents / FewExtents;

    /// <summary>
    /// How long a device may take to tell where its data is; then all of it is data, which is always true enough. 5 s:
    /// shorter than clients wait, longer than a busy disk takes.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
}
