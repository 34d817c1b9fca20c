namespace DmIo;

/// <content>Giving up what hangs, so that no device keeps a request from ending.</content>
public sealed partial class IoClient
{
    private int _abandonedPieces;

    /// <summary>
    /// Whether <see cref="DisposeAsync"/> waits until everything that was given up has landed, which a device that hangs
    /// may delay for ever. True unless set otherwise before disposal; the makers' memory is then theirs to keep.
    /// </summary>
    public bool WaitsForAbandoned { get; set; } = true;

    /// <summary>Operations that have not landed although their regions have ended.</summary>
    public int AbandonedPieces => Volatile.Read(ref _abandonedPieces);

    /// <summary>
    /// Gives up regions: each of them counts as failed at once, from its first piece that has not ended, and
    /// <see cref="IoRequest.RegionFinished"/> is called from within. The operations themselves cannot be taken back: they
    /// go on and pin the request's memory (<see cref="IoRequest.PinnedBits"/>) until <see cref="IoRequest.Landed"/>; what a
    /// read would have filled is undefined until then. The request no longer counts as under way once its other regions
    /// have ended. Only on the loop.
    /// </summary>
    /// <param name="request">A request of this client that tracks its regions.</param>
    /// <param name="regionBits">Regions that have ended, or have not been issued, are passed over.</param>
    /// <param name="errno">Why, as <see cref="Errno.ETIMEDOUT"/>.</param>
    /// <returns>The regions that were given up.</returns>
    /// <exception cref="InvalidOperationException">The request belongs to another client.</exception>
    public ulong Abandon(IoRequest request, ulong regionBits, Errno errno)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfEqual((int)errno, (int)Errno.None);
        if (request.Client is not null && request.Client != this)
            throw new InvalidOperationException("The request belongs to another client.");
        return request.Context?.Abandon(regionBits, errno) ?? 0;
    }

    internal void PieceDetached() => _abandonedPieces++;

    internal void PieceLanded() => _abandonedPieces--;

    /// <summary>Nothing uses a context any more.</summary>
    internal void Landed(IoContext context)
    {
        // Contexts that wait for a landing are replaced, so there may be more of them than requests under way.
        if (_freeContexts.Count < _target)
            _freeContexts.Push(context);
    }
}
