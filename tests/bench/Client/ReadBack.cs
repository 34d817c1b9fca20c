using System.Buffers.Binary;
using DmIo.SideBySide.Native;

namespace DmIo.SideBySide.Client;

/// <summary>Shows that a server really stores and returns what it is given, before its speed is believed.</summary>
internal static class ReadBack
{
    private const int BlockBytes = 4096;

    public static void Check(string path, string export)
    {
        NegotiatedSocket socket = Handshake.Open(path, export);
        try
        {
            byte[] written = new byte[BlockBytes];
            Random.Shared.NextBytes(written);
            long offset = Random.Shared.NextInt64(socket.SizeBytes / BlockBytes) * BlockBytes;
            Request(socket.Descriptor, Wire.CMD_WRITE, offset, written);
            Expect(socket.Descriptor);
            Request(socket.Descriptor, Wire.CMD_READ, offset, []);
            Expect(socket.Descriptor);
            byte[] read = new byte[BlockBytes];
            UnixSocket.Receive(socket.Descriptor, read);
            Request(socket.Descriptor, Wire.CMD_DISC, 0, []);
            if (!read.AsSpan().SequenceEqual(written))
            {
                Throw.Protocol($"the block at {offset} reads back other than it was written");
            }
        }
        finally
        {
            _ = Libc.close(socket.Descriptor);
        }
    }

    private static void Request(int descriptor, ushort type, long offset, ReadOnlySpan<byte> payload)
    {
        byte[] message = new byte[Wire.RequestBytes + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message, Wire.REQUEST_MAGIC);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), type);
        BinaryPrimitives.WriteUInt64BigEndian(message.AsSpan(8), 1);
        BinaryPrimitives.WriteInt64BigEndian(message.AsSpan(16), offset);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(24), type == Wire.CMD_DISC ? 0u : BlockBytes);
        payload.CopyTo(message.AsSpan(Wire.RequestBytes));
        UnixSocket.Send(descriptor, message);
    }

    private static void Expect(int descriptor)
    {
        byte[] reply = new byte[Wire.ReplyBytes];
        UnixSocket.Receive(descriptor, reply);
        uint magic = BinaryPrimitives.ReadUInt32BigEndian(reply);
        uint error = BinaryPrimitives.ReadUInt32BigEndian(reply.AsSpan(4));
        if (magic != Wire.SIMPLE_REPLY_MAGIC)
        {
            Throw.Magic(magic);
        }

        if (error != 0)
        {
            Throw.Reply(error);
        }
    }
}
