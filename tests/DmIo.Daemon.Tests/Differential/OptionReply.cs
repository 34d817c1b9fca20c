using System.Buffers.Binary;
using System.Text;

namespace DmIo.Daemon.Tests;

/// <summary>Option replies that carry something, in a few words.</summary>
internal static class OptionReply
{
    public static string Describe(uint type, byte[] data)
    {
        switch (type)
        {
            case 2:
                int length = (int)BinaryPrimitives.ReadUInt32BigEndian(data);
                return $"SERVER({Encoding.UTF8.GetString(data, 4, length)})";
            case 4:
                uint id = BinaryPrimitives.ReadUInt32BigEndian(data);
                return $"CONTEXT({Encoding.UTF8.GetString(data.AsSpan(4))}{(id == 0 ? ", id 0" : "")})";
            default:
                return DescribeInfo(BinaryPrimitives.ReadUInt16BigEndian(data), data.AsSpan(2));
        }
    }

    private static string DescribeInfo(int type, ReadOnlySpan<byte> data)
    {
        switch (type)
        {
            case 0 when data.Length == 10:
                return "EXPORT";
            case 1:
                return $"NAME({Encoding.UTF8.GetString(data)})";
            case 2:
                return "DESCRIPTION";
            case 3 when data.Length == 12:
                return $"BLOCK_SIZE({Size(data)}, {Size(data[4..])}, {Size(data[8..])})";
            default:
                return $"INFO {type} of {data.Length} bytes";
        }
    }

    private static string Size(ReadOnlySpan<byte> bytes)
    {
        uint size = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return size >= 1 << 20 && size % (1 << 20) == 0 ? $"{size >> 20}M" : $"{size}";
    }
}
