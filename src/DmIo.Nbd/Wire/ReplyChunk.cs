using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Wire;

/// <summary>
/// The chunks that structured and extended replies are made of ("Structured reply chunk message", "Extended reply chunk
/// message").
/// </summary>
internal static class ReplyChunk
{
    /// <summary>What precedes the data of an OFFSET_DATA chunk, in the longer form.</summary>
    public const int MaxDataHeaderBytes = ExtendedReplyHeaderBytes + sizeof(ulong);

    /// <summary>Bytes of a chunk's header.</summary>
    public static int HeaderBytes(ReplyForm form) =>
        form == ReplyForm.Extended ? ExtendedReplyHeaderBytes : StructuredReplyHeaderBytes;

    /// <summary>Writes a chunk's header.</summary>
    /// <param name="writer">Where it goes.</param>
    /// <param name="form">Structured or extended.</param>
    /// <param name="request">Cookie and offset as the request had them.</param>
    /// <param name="type">The chunk's type.</param>
    /// <param name="isLast">Whether the request is done with it.</param>
    /// <param name="lengthBytes">Bytes that follow.</param>
    public static void WriteHeader(
        ref WireWriter writer, ReplyForm form, (ulong Cookie, ulong Offset) request, ushort type, bool isLast,
        long lengthBytes)
    {
        writer.WriteUInt32(form == ReplyForm.Extended ? NBD_EXTENDED_REPLY_MAGIC : NBD_STRUCTURED_REPLY_MAGIC);
        writer.WriteUInt16(isLast ? NBD_REPLY_FLAG_DONE : (ushort)0);
        writer.WriteUInt16(type);
        writer.WriteUInt64(request.Cookie);
        if (form == ReplyForm.Extended)
        {
            writer.WriteUInt64(request.Offset);
            writer.WriteUInt64((ulong)lengthBytes);
        }
        else
        {
            writer.WriteUInt32((uint)lengthBytes);
        }
    }
}
