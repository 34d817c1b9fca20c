using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Wire;

/// <summary>
/// A compact request as it came (transmission phase, "Compact request message"); nothing of it is checked yet.
/// </summary>
internal readonly record struct RequestHeader(
    uint Magic, ushort Flags, ushort Type, ulong Cookie, ulong Offset, uint Length)
{
    /// <summary>Reads the 28 bytes at the start of <paramref name="bytes"/>.</summary>
    public static RequestHeader Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes[..RequestHeaderBytes]);
        return new RequestHeader(
            reader.ReadUInt32(), reader.ReadUInt16(), reader.ReadUInt16(), reader.ReadUInt64(), reader.ReadUInt64(),
            reader.ReadUInt32());
    }
}
