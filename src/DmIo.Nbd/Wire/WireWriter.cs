using System.Buffers.Binary;

namespace DmIo.Nbd.Wire;

/// <summary>Puts big-endian integers and bytes into a span that the caller made long enough.</summary>
internal ref struct WireWriter(Span<byte> destination)
{
    private Span<byte> _rest = destination;

    public void WriteUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_rest, value);
        _rest = _rest[sizeof(ushort)..];
    }

    public void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_rest, value);
        _rest = _rest[sizeof(uint)..];
    }

    public void WriteUInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_rest, value);
        _rest = _rest[sizeof(ulong)..];
    }

    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_rest);
        _rest = _rest[bytes.Length..];
    }
}
