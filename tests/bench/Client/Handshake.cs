using System.Buffers.Binary;
using System.Text;
using DmIo.SideBySide.Native;

namespace DmIo.SideBySide.Client;

/// <summary>
/// Negotiates with NBD_OPT_EXPORT_NAME and, unless structured replies are wanted, nothing else, so that every server
/// answers with simple ones.
/// </summary>
internal static class Handshake
{
    public static NegotiatedSocket Open(string path, string export, bool structured = false)
    {
        int descriptor = UnixSocket.TryConnect(path);
        if (descriptor < 0)
        {
            Throw.Protocol($"nobody listens on {path}");
        }

        try
        {
            return Negotiate(descriptor, export, structured);
        }
        catch
        {
            _ = Libc.close(descriptor);
            throw;
        }
    }

    private static NegotiatedSocket Negotiate(int descriptor, string export, bool structured)
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
        Span<byte> flags32 = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(flags32, (uint)accepted);
        UnixSocket.Send(descriptor, flags32);
        if (structured)
        {
            SendOption(descriptor, Wire.OPT_STRUCTURED_REPLY, []);
            Span<byte> reply = buffer[..Wire.OptionReplyBytes];
            UnixSocket.Receive(descriptor, reply);
            if (BinaryPrimitives.ReadUInt32BigEndian(reply[12..]) != Wire.REP_ACK)
            {
                Throw.Protocol("no structured replies");
            }
        }

        SendOption(descriptor, Wire.OPT_EXPORT_NAME, Encoding.UTF8.GetBytes(export));
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

    private static void SendOption(int descriptor, uint option, ReadOnlySpan<byte> data)
    {
        byte[] message = new byte[Wire.OptionBytes + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(message, Wire.IHAVEOPT);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(12), (uint)data.Length);
        data.CopyTo(message.AsSpan(Wire.OptionBytes));
        UnixSocket.Send(descriptor, message);
    }
}
