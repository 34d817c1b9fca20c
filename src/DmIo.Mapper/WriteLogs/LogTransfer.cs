using System.Buffers;

namespace DmIo.Mapper;

/// <summary>Reads and writes pieces of a device one after the other, on its loop, in memory of its own.</summary>
internal sealed class LogTransfer : IDisposable
{
    /// <summary>The longest piece.</summary>
    public const int MaxBytes = BufferPool.MaxBytes;

    private readonly BufferPool _pool = new(MaxBytes);
    private readonly IoSegment[] _segments;
    private readonly byte[] _copy = ArrayPool<byte>.Shared.Rent(MaxBytes);

    public LogTransfer(BlockDevice device)
    {
        Device = device;
        _pool.TryRent(MaxBytes, out IoSegment segment);
        _segments = [segment];
    }

    public BlockDevice Device { get; }

    /// <summary>Reads a piece; what it gives is good until the next one.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public async Task<Memory<byte>> ReadAsync(Sectors start, int bytes)
    {
        await RunAsync(BlockOperation.Read, start, bytes);
        _segments[0].Span[..bytes].CopyTo(_copy);
        return _copy.AsMemory(0, bytes);
    }

    /// <exception cref="IOException">It cannot be written.</exception>
    public Task WriteAsync(Sectors start, ReadOnlyMemory<byte> data)
    {
        data.Span.CopyTo(_segments[0].Span);
        return RunAsync(BlockOperation.Write, start, data.Length);
    }

    /// <exception cref="IOException">It cannot be written.</exception>
    public Task WriteZeroesAsync(Sectors start, int bytes)
    {
        if (Device.WriteZeroesLimit >= Sectors.FromBytes(bytes))
            return RunAsync(BlockOperation.WriteZeroes, start, bytes);
        _segments[0].Span[..bytes].Clear();
        return RunAsync(BlockOperation.Write, start, bytes);
    }

    /// <exception cref="IOException">It cannot be made durable.</exception>
    public Task FlushAsync() => RunAsync(BlockOperation.Flush, Sectors.Zero, 0);

    public void Dispose()
    {
        _pool.Return(_segments[0]);
        _pool.Dispose();
        ArrayPool<byte>.Shared.Return(_copy);
    }

    private async Task RunAsync(BlockOperation operation, Sectors start, int bytes)
    {
        var request = new AwaitedRequest
        {
            Operation = operation,
            Start = start,
            Count = Sectors.FromBytes(bytes),
            Data = operation <= BlockOperation.Write ? new IoVector(_segments, 1).Slice(0, bytes) : default,
        };
        Device.Submit(request);
        if (await request.Task is not Errno.None and var errno)
            throw new IOException($"{Device.Name}: {operation} at sector {request.FailedAt}: {errno}");
    }
}
