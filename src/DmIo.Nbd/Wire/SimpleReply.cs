using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Wire;

/// <summary>A simple reply (transmission phase, "Simple reply message").</summary>
internal static class SimpleReply
{
    /// <summary>Writes the 16 bytes that precede a reply's data.</summary>
    public static void Write(Span<byte> destination, uint error, ulong cookie)
    {
        var writer = new WireWriter(destination[..SimpleReplyHeaderBytes]);
        writer.WriteUInt32(NBD_SIMPLE_REPLY_MAGIC);
        writer.WriteUInt32(error);
        writer.WriteUInt64(cookie);
    }
}
