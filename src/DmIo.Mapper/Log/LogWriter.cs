namespace DmIo.Mapper;

/// <summary>
/// Reads and writes parts of a log device through aligned buffers of its own, so that the memory may go on changing
/// while it is written. Cold paths, awaited on the loop.
/// </summary>
internal sealed class LogWriter(BlockDevice device) : IDisposable
{
    // Longer runs are written in pieces of this, so that the buffers stay small. Arbitrary.
    private const int PieceBytes = 128 << 10;

    private const long BufferBytes = 2 << 20;

    private readonly BufferPool _buffers = new(BufferBytes);
    private readonly List<(Task<Errno> Task, IoSegment Buffer)> _underWay = [];

    public BlockDevice Device => device;

    /// <summary>Reads bytes at a place of the device, both multiples of its logical block size.</summary>
    public async Task<Errno> ReadAsync(long offsetBytes, Memory<byte> bytes)
    {
        for (int done = 0; done < bytes.Length; done += PieceBytes)
        {
            int length = Math.Min(PieceBytes, bytes.Length - done);
            IoSegment buffer = Rent(length);
            Errno errno = await RunAsync(BlockOperation.Read, offsetBytes + done, buffer);
            if (errno == Errno.None)
                buffer.Span.CopyTo(bytes.Span[done..]);
            _buffers.Return(buffer);
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
            IoSegment buffer = Rent(length);
            bytes.Span.Slice(done, length).CopyTo(buffer.Span);
            _underWay.Add((RunAsync(BlockOperation.Write, offsetBytes + done, buffer), buffer));
        }
        return Errno.None;
    }

    /// <summary>Waits for all writes that were started; the first error that any met.</summary>
    public async Task<Errno> DrainAsync()
    {
        Errno first = Errno.None;
        foreach ((Task<Errno> task, IoSegment buffer) in _underWay)
        {
            Errno errno = await task;
            _buffers.Return(buffer);
            if (first == Errno.None)
                first = errno;
        }
        _underWay.Clear();
        return first;
    }

    /// <summary>Makes durable what was written.</summary>
    public Task<Errno> FlushAsync()
    {
        var request = new AwaitedRequest { Operation = BlockOperation.Flush };
        device.Submit(request);
        return request.Task;
    }

    public void Dispose() => _buffers.Dispose();

    private IoSegment Rent(int bytes) => _buffers.TryRent(bytes, out IoSegment buffer)
        ? buffer
        : throw new InvalidOperationException("The log's buffers are sized for what is under way.");

    private Task<Errno> RunAsync(BlockOperation operation, long offsetBytes, IoSegment buffer)
    {
        var request = new AwaitedRequest
        {
            Operation = operation,
            Start = Sectors.FromBytes(offsetBytes),
            Count = Sectors.FromBytes(buffer.LengthBytes),
            Data = new IoVector([buffer], 1),
        };
        device.Submit(request);
        return request.Task;
    }
}
