using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace DmIo.Nbd.Tests;

/// <summary>Big-endian integers, and bytes that a seed determines.</summary>
internal static class Bytes
{
    public static byte[] U16(ushort value)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] U64(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] Random(int count, int seed)
    {
        // SplitMix64: a seeded System.Random takes seconds for what the long payloads need.
        byte[] bytes = GC.AllocateUninitializedArray<byte>((count + 7) & ~7);
        ulong state = (ulong)seed;
        foreach (ref ulong word in MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan()))
        {
            ulong z = state += 0x9e3779b97f4a7c15;
            z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
            z = (z ^ z >> 27) * 0x94d049bb133111eb;
            word = z ^ z >> 31;
        }
        return bytes.Length == count ? bytes : bytes[..count];
    }
}
