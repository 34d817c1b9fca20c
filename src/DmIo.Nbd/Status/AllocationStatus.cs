using DmIo.Nbd.Transmission;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Status;

/// <summary>base:allocation. What is not known is data.</summary>
internal static class AllocationStatus
{
    /// <summary>Tells of a request's range, until the chunk is full.</summary>
    public static async ValueTask ReadAsync(NbdRequest request, StatusChunk chunk)
    {
        OrderedDevice device = request.Connection.Device;
        long at = request.OffsetBytes;
        long end = at + request.LengthBytes;
        long window = StatusLimits.FirstWindowBytes;
        while (at < end && !chunk.IsFull)
        {
            long stop = Math.Min(end, at + window);
            IReadOnlyList<BlockExtent>? extents = await FindAsync(device, at, stop);
            if (extents is null)
            {
                chunk.Add(end - at, 0);
                return;
            }
            Add(chunk, extents, at, stop);
            at = stop;
            if (extents.Count < StatusLimits.FewExtents)
                window = Math.Min(window * 4, StatusLimits.LargestWindowBytes);
        }
    }

    // Null when the device cannot tell, or not in time.
    private static async ValueTask<IReadOnlyList<BlockExtent>?> FindAsync(OrderedDevice device, long at, long stop)
    {
        Sectors start = Sectors.Floor(at);
        try
        {
            ValueTask<IReadOnlyList<BlockExtent>> found = device.ReadExtentsAsync(start, Sectors.Ceiling(stop) - start);
            return found.IsCompleted
                ? await found
                : await found.AsTask().WaitAsync(StatusLimits.Patience, device.Loop.Time);
        }
        catch (Exception e) when (e is IOException or TimeoutException or ObjectDisposedException)
        {
            return null;
        }
    }

    private static void Add(StatusChunk chunk, IReadOnlyList<BlockExtent> extents, long at, long stop)
    {
        foreach (BlockExtent extent in extents)
        {
            // A device that changes meanwhile may leave gaps.
            if (extent.Start.Bytes > at || at >= stop)
                break;
            long to = Math.Min(extent.End.Bytes, stop);
            chunk.Add(to - at, FlagsOf(extent.Kind));
            at = Math.Max(at, to);
        }
        chunk.Add(stop - at, 0);
    }

    private static ulong FlagsOf(ExtentKind kind) => kind switch
    {
        ExtentKind.Hole => NBD_STATE_HOLE | NBD_STATE_ZERO,
        ExtentKind.Zero => NBD_STATE_ZERO,
        _ => 0,
    };
}
