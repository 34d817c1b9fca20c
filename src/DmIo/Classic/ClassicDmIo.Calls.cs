namespace DmIo;

/// <content>The six calls: three forms of memory, each synchronous and asynchronous.</content>
public sealed partial class ClassicDmIo
{
    /// <summary><c>dm_io_sync</c>: a list of pages, the data beginning some bytes into the first.</summary>
    /// <param name="where">One region to read from, one or more to write to.</param>
    /// <param name="rw"><see cref="BlockOperation.Read"/> or <see cref="BlockOperation.Write"/>; EINVAL otherwise.</param>
    /// <param name="pages">The pages.</param>
    /// <param name="offsetBytes">Where the data begins in the first page.</param>
    /// <param name="errorBits">Bit i for region i; left alone when the call is refused.</param>
    /// <exception cref="InvalidOperationException">No pool, or the caller runs on the loop.</exception>
    public Errno IoSync(
        ReadOnlySpan<IoRegion> where, BlockOperation rw, PageList pages, int offsetBytes, ref ulong errorBits) =>
        Sync(where, rw, IoMemory.FromPages(pages, offsetBytes), ref errorBits);

    /// <summary><c>dm_io_async</c>: a list of pages, the data beginning some bytes into the first.</summary>
    /// <param name="where">One region to read from, one or more to write to; copied.</param>
    /// <param name="rw"><see cref="BlockOperation.Read"/> or <see cref="BlockOperation.Write"/>; EINVAL otherwise.</param>
    /// <param name="pages">The pages; list and memory must stay as they are until the callback.</param>
    /// <param name="offsetBytes">Where the data begins in the first page.</param>
    /// <param name="fn">The completion callback.</param>
    /// <param name="context">Handed to the callback.</param>
    /// <exception cref="InvalidOperationException">No pool.</exception>
    public Errno IoAsync(
        ReadOnlySpan<IoRegion> where, BlockOperation rw, PageList pages, int offsetBytes, IoNotify fn,
        object? context) =>
        Async(where, rw, IoMemory.FromPages(pages, offsetBytes), fn, context);

    /// <summary><c>dm_io_sync_bvec</c>: an array of vectors, each with an offset into its page.</summary>
    /// <param name="where">One region to read from, one or more to write to.</param>
    /// <param name="rw"><see cref="BlockOperation.Read"/> or <see cref="BlockOperation.Write"/>; EINVAL otherwise.</param>
    /// <param name="bvec">The data buffer, at least as long as the longest region.</param>
    /// <param name="errorBits">Bit i for region i; left alone when the call is refused.</param>
    /// <exception cref="InvalidOperationException">No pool, or the caller runs on the loop.</exception>
    public Errno IoSyncBvec(
        ReadOnlySpan<IoRegion> where, BlockOperation rw, ReadOnlySpan<BioVec> bvec, ref ulong errorBits) =>
        Sync(where, rw, FromVectors(bvec), ref errorBits);

    /// <summary><c>dm_io_async_bvec</c>: an array of vectors, each with an offset into its page.</summary>
    /// <param name="where">One region to read from, one or more to write to; copied.</param>
    /// <param name="rw"><see cref="BlockOperation.Read"/> or <see cref="BlockOperation.Write"/>; EINVAL otherwise.</param>
    /// <param name="bvec">The data buffer; the array is copied, the memory must stay as it is until the callback.</param>
    /// <param name="fn">The completion callback.</param>
    /// <param name="context">Handed to the callback.</param>
    /// <exception cref="InvalidOperationException">No pool.</exception>
    public Errno IoAsyncBvec(
        ReadOnlySpan<IoRegion> where, BlockOperation rw, ReadOnlySpan<BioVec> bvec, IoNotify fn, object? context) =>
        Async(where, rw, FromVectors(bvec), fn, context);

    /// <summary><c>dm_io_sync_vm</c>: one contiguous buffer.</summary>
    /// <param name="where">One region to read from, one or more to write to.</param>
    /// <param name="rw"><see cref="BlockOperation.Read"/> or <see cref="BlockOperation.Write"/>; EINVAL otherwise.</param>
    /// <param name="data">The data buffer, at least as long as the longest region.</param>
    /// <param name="errorBits">Bit i for region i; left alone when the call is refused.</param>
    /// <exception cref="InvalidOperationException">No pool, or the caller runs on the loop.</exception>
    public Errno IoSyncVm(ReadOnlySpan<IoRegion> where, BlockOperation rw, IoSegment data, ref ulong errorBits) =>
        Sync(where, rw, IoMemory.FromBuffer(data), ref errorBits);

    /// <summary><c>dm_io_async_vm</c>: one contiguous buffer.</summary>
    /// <param name="where">One region to read from, one or more to write to; copied.</param>
    /// <param name="rw"><see cref="BlockOperation.Read"/> or <see cref="BlockOperation.Write"/>; EINVAL otherwise.</param>
    /// <param name="data">The data buffer, to stay as it is until the callback.</param>
    /// <param name="fn">The completion callback.</param>
    /// <param name="context">Handed to the callback.</param>
    /// <exception cref="InvalidOperationException">No pool.</exception>
    public Errno IoAsyncVm(
        ReadOnlySpan<IoRegion> where, BlockOperation rw, IoSegment data, IoNotify fn, object? context) =>
        Async(where, rw, IoMemory.FromBuffer(data), fn, context);

    private static bool IsPlain(BlockOperation rw) => rw is BlockOperation.Read or BlockOperation.Write;

    private static IoMemory FromVectors(ReadOnlySpan<BioVec> vectors)
    {
        var segments = new IoSegment[vectors.Length];
        for (int i = 0; i < vectors.Length; i++)
            segments[i] = new IoSegment(vectors[i].Page + vectors[i].OffsetBytes, vectors[i].LengthBytes);
        return IoMemory.FromVector(new IoVector(segments, segments.Length));
    }

    private Errno Sync(ReadOnlySpan<IoRegion> where, BlockOperation rw, in IoMemory memory, ref ulong errorBits)
    {
        IoClient client = Client();
        if (!IsPlain(rw))
            return Errno.EINVAL;
        IoResult result = client.Execute(rw, BlockFlags.None, where, memory);
        if (result.Errno == Errno.ESHUTDOWN)
            throw NoPool();
        if (!result.IsRefused)
            errorBits = result.Outcome.ErrorBits;
        return result.Errno;
    }

    private Errno Async(
        ReadOnlySpan<IoRegion> where, BlockOperation rw, in IoMemory memory, IoNotify fn, object? context)
    {
        ArgumentNullException.ThrowIfNull(fn);
        IoClient client = Client();
        if (!IsPlain(rw))
            return Errno.EINVAL;
        ClassicRequest request = _requests.Rent();
        request.Prepare(_requests, fn, context, rw, where, memory);
        Errno refused = client.Submit(request);
        if (refused != Errno.None)
            request.Refused();
        return refused == Errno.ESHUTDOWN ? throw NoPool() : refused;
    }
}
