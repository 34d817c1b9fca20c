using System.Buffers;

namespace DmIo;

/// <content>
/// The idiomatic face. Buffers are pinned while a request is under way. Cancellation takes back a request that still
/// waits for the pool: it is never issued, and the task is cancelled. One that is under way runs to its end, since its
/// memory is in use, and gives its real result. Continuations never run inside the loop's own work.
/// </content>
public sealed partial class IoClient
{
    private readonly RequestPool<AwaitedRequest> _awaitedRequests = new();

    /// <summary>Does a request with memory in any form; the memory must stay valid until the task has ended.</summary>
    /// <inheritdoc cref="Execute"/>
    public ValueTask<IoResult> ExecuteAsync(
        BlockOperation operation, BlockFlags flags, ReadOnlySpan<IoRegion> regions, in IoMemory memory,
        CancellationToken cancellationToken = default) =>
        Await(operation, flags, regions, memory, default, cancellationToken);

    /// <summary>Reads a region into the beginning of <paramref name="buffer"/>; a failed part of it is zero-filled.</summary>
    public ValueTask<IoResult> ReadAsync(
        IoRegion region, Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        AwaitPinned(BlockOperation.Read, BlockFlags.None, [region], buffer, cancellationToken);

    /// <summary>Writes the beginning of <paramref name="buffer"/> to every region: the same bytes to each.</summary>
    public ValueTask<IoResult> WriteAsync(
        ReadOnlySpan<IoRegion> regions, ReadOnlyMemory<byte> buffer, BlockFlags flags = BlockFlags.None,
        CancellationToken cancellationToken = default) =>
        AwaitPinned(BlockOperation.Write, flags, regions, buffer, cancellationToken);

    /// <summary>Makes durable what each region's device has acknowledged; sectors and counts do not matter.</summary>
    public ValueTask<IoResult> FlushAsync(
        ReadOnlySpan<IoRegion> regions, CancellationToken cancellationToken = default) =>
        Await(BlockOperation.Flush, BlockFlags.None, regions, IoMemory.None, default, cancellationToken);

    /// <summary>Gives up the regions' contents.</summary>
    public ValueTask<IoResult> DiscardAsync(
        ReadOnlySpan<IoRegion> regions, CancellationToken cancellationToken = default) =>
        Await(BlockOperation.Discard, BlockFlags.None, regions, IoMemory.None, default, cancellationToken);

    /// <summary>Makes the regions read as zeroes.</summary>
    public ValueTask<IoResult> WriteZeroesAsync(
        ReadOnlySpan<IoRegion> regions, BlockFlags flags = BlockFlags.None,
        CancellationToken cancellationToken = default) =>
        Await(BlockOperation.WriteZeroes, flags, regions, IoMemory.None, default, cancellationToken);

    private unsafe ValueTask<IoResult> AwaitPinned(
        BlockOperation operation, BlockFlags flags, ReadOnlySpan<IoRegion> regions, ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken)
    {
        MemoryHandle pin = buffer.Pin();
        var memory = IoMemory.FromBuffer(new IoSegment((nint)pin.Pointer, buffer.Length));
        return Await(operation, flags, regions, memory, pin, cancellationToken);
    }

    private ValueTask<IoResult> Await(
        BlockOperation operation, BlockFlags flags, ReadOnlySpan<IoRegion> regions, in IoMemory memory,
        MemoryHandle pin, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            pin.Dispose();
            return ValueTask.FromCanceled<IoResult>(cancellationToken);
        }
        AwaitedRequest request = _awaitedRequests.Rent();
        request.Prepare(_awaitedRequests, this, pin, cancellationToken);
        Describe(request, operation, flags, regions, memory);
        ValueTask<IoResult> task = request.Task;
        Errno refused = Submit(request);
        if (refused == Errno.None)
            return task;
        request.Refused();
        return new ValueTask<IoResult>(new IoResult(refused, default));
    }
}
