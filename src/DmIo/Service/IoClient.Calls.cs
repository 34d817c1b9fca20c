namespace DmIo;

/// <content>The three ways to call: wait, be called back, await.</content>
public sealed partial class IoClient
{
    private readonly RequestPool<CallbackRequest> _callbackRequests = new();

    /// <summary>
    /// Does a request and waits for its end, on a thread that is not the loop's. Nothing ends the wait early: neither an
    /// interrupt nor a lack of contexts.
    /// </summary>
    /// <param name="operation">What to do.</param>
    /// <param name="flags">Flush and FUA go to every piece of every region.</param>
    /// <param name="regions">One region for a read, up to 64 otherwise; copied.</param>
    /// <param name="memory">The data buffer; ignored where the operation has no payload.</param>
    /// <returns>The error bits and what is behind them, or why the request was refused.</returns>
    /// <exception cref="InvalidOperationException">The caller runs on the loop, which would wait for itself.</exception>
    public IoResult Execute(
        BlockOperation operation, BlockFlags flags, ReadOnlySpan<IoRegion> regions, in IoMemory memory)
    {
        if (Loop.IsCurrent)
            throw new InvalidOperationException("A synchronous call on the loop's own thread would wait for itself.");
        var request = new BlockingRequest();
        Describe(request, operation, flags, regions, memory);
        Errno refused = Submit(request);
        return refused != Errno.None ? new IoResult(refused, default) : IoResult.Of(request.Wait());
    }

    /// <summary>Starts a request that ends with a callback; from any thread, allocating nothing when warm.</summary>
    /// <param name="operation">What to do.</param>
    /// <param name="flags">Flush and FUA go to every piece of every region.</param>
    /// <param name="regions">One region for a read, up to 64 otherwise; copied.</param>
    /// <param name="memory">The data buffer, to stay valid and unmodified until the callback.</param>
    /// <param name="callback">Told the outcome on the loop, exactly once, if the request was accepted.</param>
    /// <param name="context">Handed to the callback.</param>
    /// <returns>What <see cref="Submit"/> returns.</returns>
    public Errno Start(
        BlockOperation operation, BlockFlags flags, ReadOnlySpan<IoRegion> regions, in IoMemory memory,
        IoCallback callback, object? context = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        CallbackRequest request = _callbackRequests.Rent();
        request.Prepare(_callbackRequests, callback, context);
        Describe(request, operation, flags, regions, memory);
        Errno refused = Submit(request);
        if (refused != Errno.None)
            request.Refused();
        return refused;
    }

    private static void Describe(
        IoRequest request, BlockOperation operation, BlockFlags flags, ReadOnlySpan<IoRegion> regions,
        in IoMemory memory)
    {
        request.Operation = operation;
        request.Flags = flags;
        request.Memory = memory;
        request.SetRegions(regions);
    }
}
