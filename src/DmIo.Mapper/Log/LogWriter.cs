namespace DmIo.Mapper;

/// <summary>
/// Reads and writes parts of a log device through aligned buffers of its own, so that the memory may go on changing
/// while it is written. While an operation that has passed its deadline has not ended nothing more is asked of the device:
/// it may still land, over anything. Cold paths, awaited on the loop.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="watch">Knows the deadline.</param>
/// <param name="landed">Told when all that was late has ended.</param>
internal sealed class LogWriter(BlockDevice device, DeadlineWatch watch, Action<LogWriter> landed) : IDisposable
{
    // Longer runs are written in pieces of this, so that the buffers stay small. Arbitrary.
    private const int PieceBytes = 128 << 10;

    private const long BufferBytes = 2 << 20;

    private readonly BufferPool _buffers = new(BufferBytes);
    private readonly List<LogOperation> _underWay = [];
    private int _late;

    public BlockDevice Device => device;

    /// <summary>Whether something has passed its deadline and not ended yet.</summary>
    public bool IsLate => _late > 0;

    /// <inheritdoc cref="EngineFaults.WritesOverLateLog"/>
    public bool WritesOverLate { get; init; }

    private bool Refuses => IsLate && !WritesOverLate;

    /// <summary>Reads bytes at a place of the device, both multiples of its logical block size.</summary>
    public async Task<Errno> ReadAsync(long offsetBytes, Memory<byte> bytes)
    {
        for (int done = 0; done < bytes.Length; done += PieceBytes)
        {
            if (Refuses)
                return Errno.ETIMEDOUT;
            IoSegment buffer = Rent(Math.Min(PieceBytes, bytes.Length - done));
            LogOperation operation = Start(BlockOperation.Read, offsetBytes + done, buffer);
            Errno errno = await operation.Task;
            if (errno == Errno.None)
                buffer.Span.CopyTo(bytes.Span[done..]);
            operation.Release();
            if (errno != Errno.None)
                return errno;
        }
        return Errno.None;
    }

    /// <summary>Starts writing bytes, copied now; <see cref="DrainAsync"/> tells how it ended.</summary>
    public async Task<Errno> WriteAsync(long offsetBytes, ReadOnlyMemory<byte> bytes)
    {
        for (int done = 0; done < bytes.Length; done += PieceBytes)
        {
            int length = Math.Min(PieceBytes, bytes.Length - done);
            if (_buffers.RentedBytes + PieceBytes > BufferBytes && await DrainAsync() is not Errno.None and var errno)
                return errno;
            if (Refuses)
                return Errno.ETIMEDOUT;
            IoSegment buffer = Rent(length);
            bytes.Span.Slice(done, length).CopyTo(buffer.Span);
            _underWay.Add(Start(BlockOperation.Write, offsetBytes + done, buffer));
        }
        return Errno.None;
    }

    /// <summary>Waits for all writes that were started; the first error that any met.</summary>
    public async Task<Errno> DrainAsync()
    {
        Errno first = Errno.None;
        foreach (LogOperation operation in _underWay)
        {
            Errno errno = await operation.Task;
            operation.Release();
            if (first == Errno.None)
                first = errno;
        }
        _underWay.Clear();
        return first;
    }

    /// <summary>Makes durable what was written.</summary>
    public Task<Errno> FlushAsync()
    {
        if (Refuses)
            return Task.FromResult(Errno.ETIMEDOUT);
        var flush = new LogOperation(this) { Operation = BlockOperation.Flush };
        watch.Add(flush);
        device.Submit(flush);
        return flush.Task;
    }

    /// <summary>Frees its buffers; one that is still in use when that ends.</summary>
    public void Dispose() => _buffers.Dispose();

    /// <summary>An operation takes too long.</summary>
    internal void IsOverdue(LogOperation operation)
    {
        watch.Remove(operation);
        _late++;
    }

    /// <summary>An operation has ended in time.</summary>
    internal void HasEnded(LogOperation operation) => watch.Remove(operation);

    /// <summary>One that was late has ended.</summary>
    internal void HasLanded()
    {
        if (--_late == 0)
            landed(this);
    }

    /// <summary>Takes an operation's buffer back.</summary>
    internal void Return(IoSegment buffer) => _buffers.Return(buffer);

    private IoSegment Rent(int bytes) => _buffers.TryRent(bytes, out IoSegment buffer)
        ? buffer
        : throw new InvalidOperationException("The log's buffers are sized for what is under way.");

    private LogOperation Start(BlockOperation operation, long offsetBytes, IoSegment buffer)
    {
        var request = new LogOperation(this)
        {
            Buffer = buffer,
            Operation = operation,
            Start = Sectors.FromBytes(offsetBytes),
            Count = Sectors.FromBytes(buffer.LengthBytes),
            Data = new IoVector([buffer], 1),
        };
        watch.Add(request);
        device.Submit(request);
        return request;
    }
}
