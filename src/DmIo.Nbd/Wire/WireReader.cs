using System.Buffers.Binary;

namespace DmIo.Nbd.Wire;

/// <summary>
/// Takes big-endian integers and bytes off the front of a message whose length the caller has checked.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    public readonly int Remaining => _rest.Length;

    public ushort ReadUInt16()
    {
        ushort value = BinaryPrimitives.ReadUInt16BigEndian(_rest);
        _rest = _rest[sizeof(ushort)..];
        return value;
    }

    public uint ReadUInt32()
    {
        uint value = BinaryPrimitives.ReadUInt32BigEndian(_rest);
        _rest = _rest[sizeof(uint)..];
        return value;
    }

    public ulong ReadUInt64()
    {
        ulong value = BinaryPrimitives.ReadUInt64BigEndian(_rest);
        _rest = _rest[sizeof(ulong)..];
        return value;
    }

    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        ReadOnlySpan<byte> bytes = _rest[..count];
        _rest = _rest[count..];
        return bytes;
    }
}
