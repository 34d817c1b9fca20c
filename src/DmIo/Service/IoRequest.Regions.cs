namespace DmIo;

/// <content>Requests that are told of their regions one by one, and whose regions can be given up.</content>
public abstract partial class IoRequest
{
    /// <summary>
    /// Whether the request wants to know of its regions one by one: only then <see cref="RegionFinished"/> and
    /// <see cref="Landed"/> are called, and <see cref="IoClient.Abandon"/> can be used. Asked when the request is issued.
    /// </summary>
    protected internal virtual bool TracksRegions => false;

    /// <summary>
    /// The regions that have been issued and have not ended. None while the request waits for a context. Only on the loop,
    /// and for requests that track their regions.
    /// </summary>
    public ulong UnfinishedBits => Context?.UnderWayBits ?? 0;

    /// <summary>
    /// The regions with operations that have not landed although the region, or this part of it, has ended: they were given
    /// up, or are held beneath. They may still read, or for a read write, the request's memory. As long as there are any,
    /// the memory, its segment array and the request object must be kept, beyond <see cref="Notify"/>; the request must not
    /// be submitted again.
    /// </summary>
    public ulong PinnedBits { get; internal set; }

    // Set while the request is under way and tracks its regions.
    internal IoContext? Context { get; set; }

    /// <summary>
    /// Runs on the loop, once for each region and before <see cref="Notify"/>, when all pieces of a region have ended;
    /// within <see cref="IoClient.Abandon"/> for regions that are given up there. Other regions may be given up from here.
    /// </summary>
    /// <param name="region">The region's number.</param>
    /// <param name="failure">Null when it succeeded.</param>
    protected internal virtual void RegionFinished(int region, in RegionFailure? failure)
    {
    }

    /// <summary>
    /// Runs on the loop, after <see cref="RegionFinished"/> and before or after <see cref="Notify"/>, when the last
    /// operation of a region with <see cref="PinnedBits"/> has landed; the bit is gone by then.
    /// </summary>
    protected internal virtual void Landed(int region)
    {
    }
}
