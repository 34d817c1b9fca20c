using System.Buffers.Binary;
using System.Text;
using DmIo.SideBySide.Native;

namespace DmIo.SideBySide.Client;

/// <summary>
/// Negotiates with NBD_OPT_EXPORT_NAME and nothing else, so that every server answers with simple replies.
/// </summary>
internal static class Handshake
{
    public static NegotiatedSocket Open(string path, string export)
    {
        int descriptor = UnixSocket.TryConnect(path);
        if (descriptor < 0)
        {
            Throw.Protocol($"nobody listens on {path}");
        }

        try
        {
            return Negotiate(descriptor, export);
        }
        catch
        {
            _ = Libc.close(descriptor);
            throw;
        }
    }

    private static NegotiatedSocket Negotiate(int descriptor, string export)
    {
        Span<byte> buffer = stackalloc byte[Wire.PaddingBytes];
        Span<byte> greeting = buffer[..Wire.GreetingBytes];
        UnixSocket.Receive(descriptor, greeting);
        ushort offered = BinaryPrimitives.ReadUInt16BigEndian(greeting[16..]);
        if (BinaryPrimitives.ReadUInt64BigEndian(greeting) != Wire.NBDMAGIC
            || BinaryPrimitives.ReadUInt64BigEndian(greeting[8..]) != Wire.IHAVEOPT
            || (offered & Wire.FLAG_FIXED_NEWSTYLE) == 0)
        {
            Throw.Protocol("not a fixed newstyle NBD server");
        }

        int accepted = offered & (Wire.FLAG_FIXED_NEWSTYLE | Wire.FLAG_NO_ZEROES);
        byte[] name = Encoding.UTF8.GetBytes(export);
        byte[] hello = new byte[4 + 16 + name.Length];
        BinaryPrimitives.WriteUInt32BigEndian(hello, (uint)accepted);
        BinaryPrimitives.WriteUInt64BigEndian(hello.AsSpan(4), Wire.IHAVEOPT);
        BinaryPrimitives.WriteUInt32BigEndian(hello.AsSpan(12), Wire.OPT_EXPORT_NAME);
        BinaryPrimitives.WriteUInt32BigEndian(hello.AsSpan(16), (uint)name.Length);
        name.CopyTo(hello.AsSpan(20));
        UnixSocket.Send(descriptor, hello);

        Span<byte> answer = buffer[..Wire.ExportBytes];
        UnixSocket.Receive(descriptor, answer);
        long size = BinaryPrimitives.ReadInt64BigEndian(answer);
        ushort flags = BinaryPrimitives.ReadUInt16BigEndian(answer[8..]);
        if ((offered & Wire.FLAG_NO_ZEROES) == 0)
        {
            UnixSocket.Receive(descriptor, buffer);
        }

        return new NegotiatedSocket(descriptor, size, flags);
    }
}
