using DmIo.Nbd.Transmission;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Status;

/// <summary>base:allocation. What is not known is data.</summary>
internal static class AllocationStatus
{
    /// <summary>Tells of a request's range, until the chunk is full.</summary>
    public static async ValueTask ReadAsync(NbdRequest request, StatusChunk chunk)
    {
        NbdExport export = request.Connection.Export;
        long at = request.OffsetBytes;
        long end = at + request.LengthBytes;
        long window = StatusLimits.FirstWindowBytes;
        while (at < end && !chunk.IsFull)
        {
            long stop = Math.Min(end, at + window);
            if (await LookAsync(export, chunk, at, stop) is not { } found)
            {
                chunk.Add(end - at, 0);
                return;
            }
            at = found.ToldBytes;
            if (at < stop)
                window = StatusLimits.FirstWindowBytes;
            else if (found.Extents < StatusLimits.FewExtents)
                window = Math.Min(window * StatusLimits.WindowGrowth, StatusLimits.LargestWindowBytes);
        }
    }

    // Up to which byte is told now, and how many extents were found; null when it is not known. Who waits for others does
    // not wait for ever either.
    private static async ValueTask<(long ToldBytes, int Extents)?> LookAsync(NbdExport export, StatusChunk chunk, long at, long stop)
    {
        using (var patience = new CancellationTokenSource(StatusLimits.Patience, export.Loop.Time))
        {
            try
            {
                await export.Lookups.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
        }
        Task<IReadOnlyList<BlockExtent>?> finding = FindAsync(export, at, stop);
        try
        {
            if (await finding.WaitAsync(StatusLimits.Patience, export.Loop.Time) is not { } extents)
                return null;
            // The last of so many may stand for more than the device has looked at.
            if (extents.Count == ExtentBound.Most)
                stop = Math.Min(stop, extents[^1].Start.Bytes);
            Add(chunk, extents, at, stop);
            return (stop, extents.Count);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    // Null when the device cannot tell. It counts as looking until it has ended, though nobody may wait for it any more: a
    // device that hangs is not asked again and again.
    private static async Task<IReadOnlyList<BlockExtent>?> FindAsync(NbdExport export, long at, long stop)
    {
        Sectors start = Sectors.Floor(at);
        try
        {
            return await export.Device.ReadExtentsAsync(start, Sectors.Ceiling(stop) - start);
        }
        catch (Exception e) when (e is IOException or TimeoutException or ObjectDisposedException)
        {
            return null;
        }
        finally
        {
            export.Lookups.Release();
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
