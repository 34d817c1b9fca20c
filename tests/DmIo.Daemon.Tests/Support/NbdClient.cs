using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace DmIo.Daemon.Tests;

/// <summary>
/// A small NBD client that sends what it is told to, legal or not, and takes simple replies. One thread at a time.
/// </summary>
public sealed class NbdClient : IDisposable
{
    public const ushort Read = 0;
    public const ushort Write = 1;
    public const ushort Disconnect = 2;
    public const ushort Flush = 3;
    public const ushort Trim = 4;
    public const ushort WriteZeroes = 6;
    public const ushort Fua = 1;
    public const uint EIO = 5;
    public const uint ESHUTDOWN = 108;

    private const uint RequestMagic = 0x25609513;
    private const uint ReplyMagic = 0x67446698;
    private const ulong OptionMagic = 0x49484156454F5054;
    private const uint OptionExportName = 1;

    private readonly Socket _socket;
    private ulong _cookie;

    private NbdClient(Socket socket) => _socket = socket;

    public long SizeBytes { get; private set; }

    public ushort Flags { get; private set; }

    /// <summary>A connected socket and nothing said yet.</summary>
    public static Socket Dial(string unixPath)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            // A server that does not answer is a failed test, not one that hangs.
            ReceiveTimeout = (int)Deadline.Usual.TotalMilliseconds,
            SendTimeout = (int)Deadline.Usual.TotalMilliseconds,
        };
        socket.Connect(new UnixDomainSocketEndPoint(unixPath));
        return socket;
    }

    /// <summary>Connects and chooses an export with EXPORT_NAME.</summary>
    public static NbdClient Connect(string unixPath, string export = "vol0")
    {
        var client = new NbdClient(Dial(unixPath));
        try
        {
            client.Negotiate(export);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request; the result is its cookie.</summary>
    public ulong Send(ushort type, ushort flags, long offset, uint length, ReadOnlySpan<byte> payload = default)
    {
        byte[] message = new byte[28 + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(4), flags);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), type);
        BinaryPrimitives.WriteUInt64BigEndian(message.AsSpan(8), ++_cookie);
        BinaryPrimitives.WriteInt64BigEndian(message.AsSpan(16), offset);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(24), length);
        payload.CopyTo(message.AsSpan(28));
        SendAll(message);
        return _cookie;
    }

    /// <summary>Takes the next reply of a request that carries no data back.</summary>
    public (ulong Cookie, uint Error) Receive()
    {
        byte[] header = ReceiveExactly(16);
        if (BinaryPrimitives.ReadUInt32BigEndian(header) != ReplyMagic)
            throw new InvalidDataException("no simple reply");
        ulong cookie = BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(8));
        return (cookie, BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4)));
    }

    public uint WriteAt(long offset, ReadOnlySpan<byte> data, ushort flags = 0)
    {
        Send(Write, flags, offset, (uint)data.Length, data);
        return Receive().Error;
    }

    public uint ReadAt(long offset, int length, out byte[] data)
    {
        Send(Read, 0, offset, (uint)length);
        uint error = Receive().Error;
        data = error == 0 ? ReceiveExactly(length) : [];
        return error;
    }

    /// <summary>Whether something has come that nobody has taken.</summary>
    public bool HasUnread => _socket.Available > 0;

    public uint FlushAll()
    {
        Send(Flush, 0, 0, 0);
        return Receive().Error;
    }

    public void Dispose() => _socket.Dispose();

    private void Negotiate(string export)
    {
        byte[] greeting = ReceiveExactly(18);
        if (BinaryPrimitives.ReadUInt64BigEndian(greeting.AsSpan(8)) != OptionMagic)
            throw new InvalidDataException("no newstyle server");
        byte[] name = Encoding.UTF8.GetBytes(export);
        byte[] answer = new byte[4 + 16 + name.Length];
        answer[3] = 3; // fixed newstyle, no zeroes
        BinaryPrimitives.WriteUInt64BigEndian(answer.AsSpan(4), OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(12), OptionExportName);
        BinaryPrimitives.WriteInt32BigEndian(answer.AsSpan(16), name.Length);
        name.CopyTo(answer.AsSpan(20));
        SendAll(answer);
        byte[] export10 = ReceiveExactly(10);
        SizeBytes = BinaryPrimitives.ReadInt64BigEndian(export10);
        Flags = BinaryPrimitives.ReadUInt16BigEndian(export10.AsSpan(8));
    }

    private void SendAll(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[_socket.Send(bytes)..];
    }

    private byte[] ReceiveExactly(int length)
    {
        byte[] bytes = new byte[length];
        for (int done = 0; done < length;)
        {
            int n = _socket.Receive(bytes.AsSpan(done));
            if (n == 0)
                throw new EndOfStreamException("the server closed the connection");
            done += n;
        }
        return bytes;
    }
}
