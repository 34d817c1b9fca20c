using System.Runtime.InteropServices;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// What all connections of one loop share: buffers under one limit, receive chunks, request objects. A connection that
/// finds no room waits in line; buffers for a request are given whole or not at all, so two that wait never hold what
/// the other needs.
/// </summary>
internal sealed unsafe partial class LoopMemory : LoopWork, IDisposable
{
    // Zeroes for devices that cannot write zeroes themselves: one small buffer, named many times in a vector.
    private const int ZeroBufferBytes = 64 << 10;

    /// <summary>The longest write of zero buffers in one request to a device.</summary>
    public const int MaxZeroWriteBytes = 1 << 20;

    /// <summary>
    /// Vectors for one receive: a payload's buffers, an unaligned one's extra, the chunk behind them.
    /// </summary>
    public const int MaxReceiveVectors = NbdLimits.MostPayloadBytes / BufferPool.MaxBytes + 4;

    private readonly KernelLoop _loop;
    private readonly PinnedFigure _pinned;
    private readonly TimeSpan _stallTimeout;
    private readonly HashSet<NbdConnection> _connections = [];
    private readonly BufferPool _pool;
    private readonly long _chunkLimitBytes;
    private readonly int _maxRequests;
    private readonly Stack<ReceiveChunk> _freeChunks = new();
    private readonly Stack<NbdRequest> _freeRequests = new();
    private readonly Stack<EdgeStep> _freeSteps = new();
    private ITimer? _sweep;
    private bool _sweepIsDue;
    private int _requestCount;
    private IoSegment[]? _zeroes;
    private int _madeObjects;

    public LoopMemory(KernelLoop loop, NbdLimits limits, PinnedFigure pinned)
    {
        _pinned = pinned;
        _loop = loop;
        _stallTimeout = limits.StallTimeout;
        _pool = new BufferPool(limits.MaxBytesInFlightPerLoop);
        // Chunks are held while their owner waits for payload buffers: the room for one payload is not theirs to take.
        _chunkLimitBytes = limits.MaxBytesInFlightPerLoop - PayloadBytes(limits.MaxPayloadBytes);
        _maxRequests = limits.MaxRequestsInFlightPerLoop;
        _serveLine = new Step(ServeLine);
        ReceiveVectors = (Linux.IoVec*)NativeMemory.Alloc(MaxReceiveVectors, (nuint)sizeof(Linux.IoVec));
    }

    /// <summary>Room for the vectors of one receive; used within one call.</summary>
    public Linux.IoVec* ReceiveVectors { get; private set; }

    /// <summary>The most bytes that were ever in use.</summary>
    public long MostRentedBytes { get; private set; }

    /// <summary>Bytes of buffers that are in use.</summary>
    public long RentedBytes => _pool.RentedBytes;

    /// <summary>Requests, steps and chunks that are in use.</summary>
    public int ObjectsInUse => _madeObjects - _freeChunks.Count - _freeRequests.Count - _freeSteps.Count;

    /// <summary>The smallest limit with which a payload of <paramref name="maxPayloadBytes"/> can be served.</summary>
    public static long LeastBytes(int maxPayloadBytes) => PayloadBytes(maxPayloadBytes) + 4 * ReceiveChunk.SizeBytes;

    /// <summary>Takes note of a connection that uses this memory.</summary>
    public void Add(NbdConnection connection) => _connections.Add(connection);

    /// <summary>Forgets a connection that has ended.</summary>
    public void Remove(NbdConnection connection) => _connections.Remove(connection);

    /// <summary>
    /// Rents <paramref name="bytes"/> for a request, and a scratch buffer if it needs one.
    /// </summary>
    /// <returns>False when there is no room: the connection then waits and is told by MemoryReturned.</returns>
    public bool TryRent(NbdConnection connection, NbdRequest request, long bytes, int scratchBytes = 0)
    {
        if (MustWait(connection) || _pool.RentedBytes + Footprint(bytes) + Footprint(scratchBytes) > _pool.LimitBytes)
        {
            Wait(connection, toReceive: false);
            return false;
        }
        while (bytes > 0)
        {
            int part = (int)Math.Min(bytes, BufferPool.MaxBytes);
            _ = _pool.TryRent(part, out IoSegment buffer);
            request.AddBuffer(buffer);
            bytes -= part;
        }
        if (scratchBytes > 0)
        {
            _ = _pool.TryRent(scratchBytes, out IoSegment scratch);
            request.SetScratch(scratch);
        }
        MostRentedBytes = Math.Max(MostRentedBytes, _pool.RentedBytes);
        return true;
    }

    /// <summary>
    /// Rents a chunk to receive into; waits like <see cref="TryRent"/> when <paramref name="wait"/> is set.
    /// </summary>
    public ReceiveChunk? TryRentChunk(NbdConnection connection, bool wait)
    {
        if (MustWaitToReceive(connection) || !HasRoomForChunk)
        {
            if (wait)
                Wait(connection, toReceive: true);
            return null;
        }
        _ = _pool.TryRent(ReceiveChunk.SizeBytes, out IoSegment segment);
        if (!_freeChunks.TryPop(out ReceiveChunk? chunk))
            chunk = Made(new ReceiveChunk(this));
        chunk.Fill(segment);
        _chunkCount++;
        return chunk;
    }

    public void Return(IoSegment buffer)
    {
        _pool.Return(buffer);
        ServeLineLater();
    }

    public void Return(ReceiveChunk chunk)
    {
        if (chunk.IsPinned)
        {
            ReturnPinned(chunk.Memory);
        }
        else
        {
            _chunkCount--;
            Return(chunk.Memory);
        }
        _freeChunks.Push(chunk);
    }

    public EdgeStep RentStep() => _freeSteps.TryPop(out EdgeStep? step) ? step : Made(new EdgeStep(this));

    public void Return(EdgeStep step) => _freeSteps.Push(step);

    /// <summary>Whether a connection may start another request; if not, it waits like for memory.</summary>
    public bool TryAdmit(NbdConnection connection)
    {
        if (_requestCount < _maxRequests && !MustWait(connection))
            return true;
        Wait(connection, toReceive: false);
        return false;
    }

    public NbdRequest RentRequest()
    {
        _requestCount++;
        return _freeRequests.TryPop(out NbdRequest? request) ? request : Made(new NbdRequest(this));
    }

    /// <summary>
    /// A request is answered, or will not be: another may be started, though a device may still hold it. Whoever has answered
    /// one tells those who wait.
    /// </summary>
    public void RequestEnded() => _requestCount--;

    public void Return(NbdRequest request) => _freeRequests.Push(request);

    /// <summary>A vector of zeroes, at most <see cref="MaxZeroWriteBytes"/> long.</summary>
    public IoVector Zeroes(int bytes)
    {
        if (_zeroes is null)
        {
            _zeroes = new IoSegment[MaxZeroWriteBytes / ZeroBufferBytes];
            void* memory = NativeMemory.AlignedAlloc(ZeroBufferBytes, BufferPool.AlignmentBytes);
            NativeMemory.Clear(memory, ZeroBufferBytes);
            Array.Fill(_zeroes, new IoSegment((nint)memory, ZeroBufferBytes));
        }
        return new IoVector(_zeroes, _zeroes.Length).Slice(0, bytes);
    }

    public void Dispose()
    {
        _sweep?.Dispose();
        _pool.Dispose();
        NativeMemory.Free(ReceiveVectors);
        ReceiveVectors = null;
        _isDisposed = true;
        if (_parkedCount == 0)
            FreeZeroes();
    }

    protected override void Run() => Dispose();

    private T Made<T>(T made)
    {
        _madeObjects++;
        return made;
    }

    // What a payload costs at most: its length, the parts of blocks at an unaligned one's ends, its scratch.
    private static long PayloadBytes(int maxPayloadBytes) => maxPayloadBytes + 3L * BufferPool.MaxBytes;

    // Bytes that the pool counts for a vector: its last buffer is rounded up to a power of two.
    private static long Footprint(long bytes)
    {
        long whole = bytes / BufferPool.MaxBytes * BufferPool.MaxBytes;
        long rest = bytes - whole;
        return rest == 0
            ? whole
            : whole + (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Max(rest, BufferPool.MinBytes));
    }

    private void ScheduleSweep()
    {
        if (_sweepIsDue)
            return;
        _sweepIsDue = true;
        _sweep ??= _loop.Time.CreateTimer(_ => Sweep(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _sweep.Change(_stallTimeout, Timeout.InfiniteTimeSpan);
    }

    // Who has kept memory since the last sweep without getting on, while others wait for it, is cut off.
    private void Sweep()
    {
        _sweepIsDue = false;
        if (Waiting == 0)
            return;
        foreach (NbdConnection connection in _connections.ToArray())
            connection.CloseIfStalled();
        ScheduleSweep();
    }
}
