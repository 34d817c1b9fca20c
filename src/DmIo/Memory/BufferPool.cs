using System.Numerics;
using System.Runtime.InteropServices;

namespace DmIo;

/// <summary>
/// Aligned native buffers in powers of two, for the payload of requests. Belongs to one loop. What is rented out is
/// bounded: whoever finds the pool empty waits for a return, so memory stays under the limit whatever clients do.
/// </summary>
public sealed unsafe class BufferPool : IDisposable
{
    /// <summary>Alignment of every buffer: a page, enough for O_DIRECT on any disk with 4 KiB blocks.</summary>
    public const int AlignmentBytes = 4096;

    /// <summary>The smallest buffer.</summary>
    public const int MinBytes = 4096;

    /// <summary>The largest buffer; more than this is a vector of several.</summary>
    public const int MaxBytes = 1 << 20;

    // What lies idle beyond this goes back to the system: a pool that was busy once shall not stay large for ever.
    private const long KeepBytes = 16L << 20;

    private readonly Stack<nint>[] _free;
    private long _idleBytes;
    private bool _isDisposed;

    /// <summary>Creates a pool that rents out at most <paramref name="limitBytes"/> at once.</summary>
    public BufferPool(long limitBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limitBytes, MaxBytes);
        LimitBytes = limitBytes;
        _free = new Stack<nint>[ClassOf(MaxBytes) + 1];
        for (int i = 0; i < _free.Length; i++)
            _free[i] = new Stack<nint>();
    }

    /// <summary>The most bytes rented out at once.</summary>
    public long LimitBytes { get; }

    /// <summary>Bytes rented out now, rounded up to whole buffers.</summary>
    public long RentedBytes { get; private set; }

    /// <summary>Bytes that were rented out and then pinned; they do not count for the limit.</summary>
    public long PinnedBytes { get; private set; }

    /// <summary>
    /// Rents a buffer of at least <paramref name="bytes"/> (at most <see cref="MaxBytes"/>). The segment's length is what
    /// was asked for, and is what <see cref="Return"/> wants to see again.
    /// </summary>
    /// <returns>False when the pool's limit is reached.</returns>
    public bool TryRent(int bytes, out IoSegment buffer)
    {
        int size = SizeOf(bytes);
        if (RentedBytes + size > LimitBytes)
        {
            buffer = default;
            return false;
        }
        RentedBytes += size;
        if (_free[ClassOf(size)].TryPop(out nint address))
            _idleBytes -= size;
        else
            address = (nint)NativeMemory.AlignedAlloc((nuint)size, AlignmentBytes);
        buffer = new IoSegment(address, bytes);
        return true;
    }

    /// <summary>Takes a buffer back.</summary>
    public void Return(IoSegment buffer)
    {
        int size = SizeOf(buffer.LengthBytes);
        RentedBytes -= size;
        Keep(buffer, size);
    }

    /// <summary>
    /// Takes a rented buffer out of the limit, because something that hangs uses it for no one knows how long.
    /// </summary>
    /// <returns>The bytes that this is counted as.</returns>
    public long Pin(IoSegment buffer)
    {
        int size = SizeOf(buffer.LengthBytes);
        RentedBytes -= size;
        PinnedBytes += size;
        return size;
    }

    /// <summary>Takes a pinned buffer back, also after the pool was disposed.</summary>
    /// <returns>The bytes that it was counted as.</returns>
    public long ReturnPinned(IoSegment buffer)
    {
        int size = SizeOf(buffer.LengthBytes);
        PinnedBytes -= size;
        Keep(buffer, size);
        return size;
    }

    /// <summary>Frees what lies idle; what comes back later is freed then.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        foreach (Stack<nint> free in _free)
        {
            while (free.TryPop(out nint address))
                NativeMemory.AlignedFree((void*)address);
        }
        _idleBytes = 0;
    }

    private void Keep(IoSegment buffer, int size)
    {
        if (_isDisposed || _idleBytes + size > KeepBytes)
        {
            NativeMemory.AlignedFree((void*)buffer.Address);
            return;
        }
        _idleBytes += size;
        _free[ClassOf(size)].Push(buffer.Address);
    }

    private static int SizeOf(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MaxBytes);
        return (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(bytes, MinBytes));
    }

    private static int ClassOf(int size) => BitOperations.Log2((uint)size) - BitOperations.Log2(MinBytes);
}
