namespace DmIo.Nbd.Transmission;

/// <summary>
/// A piece of aligned memory that requests arrive in. It is held by the connection that receives into it and by every
/// write whose payload lies in it; the last holder's release gives it back to the loop's memory. When all who are left
/// are parked, the chunk is pinned.
/// </summary>
internal sealed class ReceiveChunk(LoopMemory memory)
{
    /// <summary>
    /// 256 KiB: more than a Unix socket's buffer holds, so that one receive takes all there is, and little enough to
    /// stay in the second-level cache.
    /// </summary>
    public const int SizeBytes = 256 << 10;

    private int _holders;
    private int _parked;

    /// <summary>The chunk's memory.</summary>
    public IoSegment Memory { get; private set; }

    /// <summary>Whether the chunk is counted apart from the limit.</summary>
    public bool IsPinned { get; private set; }

    /// <summary>Whether only one holder is left.</summary>
    public bool IsSole => _holders == 1;

    /// <summary>Takes memory, on behalf of the first holder.</summary>
    public void Fill(IoSegment segment)
    {
        Memory = segment;
        _holders = 1;
        IsPinned = false;
    }

    /// <summary>Adds a holder.</summary>
    public void Hold() => _holders++;

    /// <summary>Ends one hold.</summary>
    public void Release()
    {
        if (--_holders == 0)
            memory.Return(this);
        else if (_holders == _parked)
            Pin();
    }

    /// <summary>A holder has been answered, and a device still uses its part.</summary>
    public void Park()
    {
        if (++_parked == _holders)
            Pin();
    }

    /// <summary>Ends the hold of a parked holder.</summary>
    public void ReleaseParked()
    {
        _parked--;
        Release();
    }

    private void Pin()
    {
        if (IsPinned)
            return;
        IsPinned = true;
        memory.Pin(this);
    }
}
