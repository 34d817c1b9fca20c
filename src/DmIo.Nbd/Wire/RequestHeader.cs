using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Wire;

/// <summary>
/// A request as it came (transmission phase, "Compact request message" and "Extended request message"); nothing of it
/// is checked yet.
/// </summary>
internal readonly record struct RequestHeader(
    uint Magic, ushort Flags, ushort Type, ulong Cookie, ulong Offset, ulong Length)
{
    /// <summary>Bytes of a header.</summary>
    public static int Bytes(ReplyForm form) =>
        form == ReplyForm.Extended ? ExtendedRequestHeaderBytes : RequestHeaderBytes;

    /// <summary>Reads the header at the start of <paramref name="bytes"/>.</summary>
    public static RequestHeader Read(ReadOnlySpan<byte> bytes, ReplyForm form)
    {
        var reader = new WireReader(bytes[..Bytes(form)]);
        return new RequestHeader(
            reader.ReadUInt32(), reader.ReadUInt16(), reader.ReadUInt16(), reader.ReadUInt64(), reader.ReadUInt64(),
            form == ReplyForm.Extended ? reader.ReadUInt64() : reader.ReadUInt32());
    }

    /// <summary>Whether it begins as such a header has to.</summary>
    public bool HasMagic(ReplyForm form) =>
        Magic == (form == ReplyForm.Extended ? NBD_EXTENDED_REQUEST_MAGIC : NBD_REQUEST_MAGIC);

    /// <summary>Whether <see cref="Length"/> bytes of payload follow.</summary>
    public bool HasPayload(ReplyForm form) =>
        form == ReplyForm.Extended ? (Flags & NBD_CMD_FLAG_PAYLOAD_LEN) != 0 : Type == NBD_CMD_WRITE;
}
