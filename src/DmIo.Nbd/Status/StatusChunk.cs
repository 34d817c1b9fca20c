using DmIo.Nbd.Transmission;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Status;

/// <summary>
/// Writes one context's chunk of a block status: consecutive extents from the request's offset on, neighbours of the
/// same status as one, none beyond the request's end.
/// </summary>
internal sealed class StatusChunk(IoSegment room, ReplyForm form, int mostExtents, long lengthBytes)
{
    private int _count;
    private long _pendingBytes;
    private ulong _pendingStatus;

    /// <summary>Bytes of the request that nothing has been told of yet.</summary>
    public long RestBytes { get; private set; } = lengthBytes;

    /// <summary>Whether the chunk takes no more extents.</summary>
    public bool IsFull => _count == mostExtents;

    /// <summary>The room for a chunk of so many extents.</summary>
    public static int BytesFor(ReplyForm form, int extents) => FixedBytes(form) + extents * ExtentBytes(form);

    /// <summary>Tells of the next bytes; what lies beyond the request is cut off.</summary>
    public void Add(long bytes, ulong status)
    {
        bytes = Math.Min(bytes, RestBytes);
        if (IsFull || bytes <= 0)
            return;
        if (_pendingBytes > 0 && status != _pendingStatus)
        {
            WritePending();
            if (IsFull)
                return;
        }
        _pendingStatus = status;
        _pendingBytes += bytes;
        RestBytes -= bytes;
    }

    /// <summary>Writes what is left, and the header.</summary>
    /// <returns>The chunk's bytes.</returns>
    public int Finish(NbdRequest request, MetaContext context, bool isLast)
    {
        if (!IsFull && _pendingBytes > 0)
            WritePending();
        int bytes = BytesFor(form, _count);
        var writer = new WireWriter(room.Span[..bytes]);
        ushort type = form == ReplyForm.Extended ? NBD_REPLY_TYPE_BLOCK_STATUS_EXT : NBD_REPLY_TYPE_BLOCK_STATUS;
        ReplyChunk.WriteHeader(
            ref writer, form, request.Echo, type, isLast, bytes - ReplyChunk.HeaderBytes(form));
        writer.WriteUInt32(context.Id);
        if (form == ReplyForm.Extended)
            writer.WriteUInt32((uint)_count);
        return bytes;
    }

    private static int FixedBytes(ReplyForm form) =>
        ReplyChunk.HeaderBytes(form) + (form == ReplyForm.Extended ? 2 : 1) * sizeof(uint);

    private static int ExtentBytes(ReplyForm form) => form == ReplyForm.Extended ? 2 * sizeof(ulong) : 2 * sizeof(uint);

    // A compact request is shorter than 2^32, and so is every extent of it.
    private void WritePending()
    {
        var writer = new WireWriter(room.Span.Slice(BytesFor(form, _count), ExtentBytes(form)));
        if (form == ReplyForm.Extended)
        {
            writer.WriteUInt64((ulong)_pendingBytes);
            writer.WriteUInt64(_pendingStatus);
        }
        else
        {
            writer.WriteUInt32(checked((uint)_pendingBytes));
            writer.WriteUInt32((uint)_pendingStatus);
        }
        _count++;
        _pendingBytes = 0;
    }
}
