using System.Runtime.InteropServices;

namespace DmIo.Nbd.Transmission;

/// <content>
/// Memory whose requests have been answered while a device still uses it: an operation that hangs. It no longer counts
/// for the limit, since nobody can say when it comes back; mirrors put a leg out that hangs, which bounds it.
/// </content>
internal sealed unsafe partial class LoopMemory
{
    private int _parkedCount;
    private bool _isDisposed;

    /// <summary>Takes note of an object that is left to a device.</summary>
    public void Parked() => _parkedCount++;

    /// <summary>Such an object has come back, and its memory before it.</summary>
    public void Unparked()
    {
        if (--_parkedCount == 0 && _isDisposed)
            FreeZeroes();
        ServeLineLater();
    }

    /// <summary>Counts a buffer apart from the limit.</summary>
    public void Pin(IoSegment buffer)
    {
        _pinned.Add(_pool.Pin(buffer));
        ServeLineLater();
    }

    /// <summary>Counts a chunk apart from the limit.</summary>
    public void Pin(ReceiveChunk chunk)
    {
        _chunkCount--;
        Pin(chunk.Memory);
    }

    /// <summary>Takes back a buffer that was pinned.</summary>
    public void ReturnPinned(IoSegment buffer) => _pinned.Add(-_pool.ReturnPinned(buffer));

    /// <summary>Pins a buffer and gives another as long for it: the room that it leaves in the limit is enough.</summary>
    public IoSegment Exchange(IoSegment buffer)
    {
        Pin(buffer);
        _ = _pool.TryRent(buffer.LengthBytes, out IoSegment fresh);
        return fresh;
    }

    // A device may still write from these.
    private void FreeZeroes()
    {
        if (_zeroes is not null)
            NativeMemory.AlignedFree((void*)_zeroes[0].Address);
        _zeroes = null;
    }
}
