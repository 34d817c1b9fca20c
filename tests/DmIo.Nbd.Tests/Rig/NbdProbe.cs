using System.Net;
using System.Net.Sockets;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>
/// A client over a blocking socket that can break every rule: it sends what it is told, and reads what it expects or
/// fails within seconds.
/// </summary>
internal sealed partial class NbdProbe : IDisposable
{
    private const int PatienceMs = 10_000;

    // A socket that takes nothing for so long is full.
    private const int QuietMs = 150;

    private readonly Socket _socket;
    private ulong _cookie = 0x1000;

    public NbdProbe(EndPoint address)
    {
        _socket = address is IPEndPoint ip
            ? new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _socket.ReceiveTimeout = _socket.SendTimeout = PatienceMs;
        _socket.Connect(address);
    }

    /// <summary>A client over a socket that is connected already, and becomes the probe's.</summary>
    public NbdProbe(Socket connected)
    {
        _socket = connected;
        _socket.ReceiveTimeout = _socket.SendTimeout = PatienceMs;
    }

    public Socket Socket => _socket;

    /// <summary>Size and flags that GO or EXPORT_NAME told.</summary>
    public (ulong Size, ushort Flags) Export { get; set; }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_tls is { } tls)
        {
            tls.Write(bytes);
            return;
        }
        while (bytes.Length > 0)
            bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>Sends until both ends' buffers are full.</summary>
    /// <returns>How many bytes were taken.</returns>
    public int SendUntilFull(ReadOnlySpan<byte> bytes)
    {
        int sent = 0;
        while (sent < bytes.Length && _socket.Poll(QuietMs * 1000, SelectMode.SelectWrite))
        {
            _socket.Blocking = false;
            int n = _socket.Send(bytes[sent..], SocketFlags.None, out SocketError error);
            _socket.Blocking = true;
            Assert.That(error, Is.EqualTo(SocketError.Success).Or.EqualTo(SocketError.WouldBlock));
            sent += Math.Max(n, 0);
        }
        return sent;
    }

    /// <summary>Sends in pieces, with time between them in which the server sees each alone.</summary>
    public void SendInPieces(ReadOnlySpan<byte> bytes, int pieceBytes, int pauseMs = 1)
    {
        for (int at = 0; at < bytes.Length; at += pieceBytes)
        {
            Send(bytes.Slice(at, Math.Min(pieceBytes, bytes.Length - at)));
            Thread.Sleep(pauseMs);
        }
    }

    public byte[] Receive(int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int n = _tls?.Read(bytes.AsSpan(at)) ?? _socket.Receive(bytes.AsSpan(at));
            Assert.That(n, Is.GreaterThan(0), $"the server closed after {at} of {count} bytes");
            at += n;
        }
        return bytes;
    }

    /// <summary>The server closes, having sent nothing more.</summary>
    public void ExpectClosed()
    {
        byte[] one = new byte[1];
        try
        {
            int n = _tls?.Read(one) ?? _socket.Receive(one);
            Assert.That(n, Is.Zero, "the server sent something and did not close");
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset)
        {
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
        }
    }

    /// <summary>Nothing comes for a while, and the connection stays open.</summary>
    public void ExpectSilence(int forMs = 100) =>
        Assert.That(_socket.Poll(forMs * 1000, SelectMode.SelectRead), Is.False, "the server sent something or closed");

    public void End(Ending ending)
    {
        switch (ending)
        {
            case Ending.Closed:
                _socket.Close();
                break;
            case Ending.ShutDown:
                _socket.Shutdown(SocketShutdown.Both);
                break;
            case Ending.Reset:
                Reset();
                break;
            default:
                FinishSending();
                break;
        }
    }

    public void FinishSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Closes a TCP connection with a reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public ushort Greet(uint clientFlags = NBD_FLAG_C_FIXED_NEWSTYLE | NBD_FLAG_C_NO_ZEROES)
    {
        ushort flags = ReadGreeting();
        Send(Bytes.U32(clientFlags));
        return flags;
    }

    public ushort ReadGreeting()
    {
        var reader = new WireReader(Receive(GreetingBytes));
        Assert.That(reader.ReadUInt64(), Is.EqualTo(NBDMAGIC));
        Assert.That(reader.ReadUInt64(), Is.EqualTo(IHAVEOPT));
        return reader.ReadUInt16();
    }

    public static byte[] Option(uint option, params ReadOnlySpan<byte> data) =>
        [.. Bytes.U64(IHAVEOPT), .. Bytes.U32(option), .. Bytes.U32((uint)data.Length), .. data];

    /// <summary>Name and information requests as INFO and GO carry them.</summary>
    public static byte[] Info(string name, params ReadOnlySpan<ushort> types)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(name);
        List<byte> data = [.. Bytes.U32((uint)text.Length), .. text, .. Bytes.U16((ushort)types.Length)];
        foreach (ushort type in types)
            data.AddRange(Bytes.U16(type));
        return [.. data];
    }

    public OptionReply ReadOptionReply()
    {
        var reader = new WireReader(Receive(OptionReplyHeaderBytes));
        Assert.That(reader.ReadUInt64(), Is.EqualTo(NBD_REP_MAGIC));
        uint option = reader.ReadUInt32();
        uint type = reader.ReadUInt32();
        return new OptionReply(option, type, Receive((int)reader.ReadUInt32()));
    }

    /// <summary>Sends an option and reads replies up to the final one.</summary>
    public List<OptionReply> Ask(uint option, params ReadOnlySpan<byte> data)
    {
        Send(Option(option, data));
        return ReadReplies(option);
    }

    public List<OptionReply> ReadReplies(uint option)
    {
        var replies = new List<OptionReply>();
        do
        {
            replies.Add(ReadOptionReply());
            Assert.That(replies[^1].Option, Is.EqualTo(option));
        }
        while (replies[^1].Type is NBD_REP_INFO or NBD_REP_SERVER or NBD_REP_META_CONTEXT);
        return replies;
    }

    /// <summary>Greets and goes; the probe is then in the transmission phase.</summary>
    public NbdProbe Go(string name = "")
    {
        Greet();
        return GoOn(name);
    }

    /// <summary>Goes, having greeted.</summary>
    public NbdProbe GoOn(string name = "")
    {
        List<OptionReply> replies = Ask(NBD_OPT_GO, Info(name));
        Assert.That(replies[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Export = replies.Single(r => r.InfoType == NBD_INFO_EXPORT).ReadExport();
        return this;
    }

    public static byte[] Request(
        ushort type, ulong offset, uint length, ulong cookie = 0, ushort flags = 0, uint magic = NBD_REQUEST_MAGIC) =>
        [.. Bytes.U32(magic), .. Bytes.U16(flags), .. Bytes.U16(type), .. Bytes.U64(cookie), .. Bytes.U64(offset),
            .. Bytes.U32(length)];

    /// <summary>Reads a simple reply's header; its data, if any, is the caller's to read.</summary>
    public (uint Error, ulong Cookie) ReadReply()
    {
        var reader = new WireReader(Receive(SimpleReplyHeaderBytes));
        Assert.That(reader.ReadUInt32(), Is.EqualTo(NBD_SIMPLE_REPLY_MAGIC));
        return (reader.ReadUInt32(), reader.ReadUInt64());
    }

    /// <summary>One request without payload and its answer's error.</summary>
    public uint Call(ushort type, ulong offset, uint length, ushort flags = 0)
    {
        ulong cookie = ++_cookie;
        Send(Request(type, offset, length, cookie, flags));
        return Expect(cookie);
    }

    public uint Write(ulong offset, ReadOnlySpan<byte> payload, ushort flags = 0)
    {
        ulong cookie = ++_cookie;
        Send([.. Request(NBD_CMD_WRITE, offset, (uint)payload.Length, cookie, flags)]);
        Send(payload);
        return Expect(cookie);
    }

    public byte[] Read(ulong offset, int length)
    {
        Assert.That(Call(NBD_CMD_READ, offset, (uint)length), Is.Zero, "READ");
        return Receive(length);
    }

    /// <summary>The next reply is to that request.</summary>
    public uint Expect(ulong cookie)
    {
        (uint error, ulong found) = ReadReply();
        Assert.That(found, Is.EqualTo(cookie), "cookie");
        return error;
    }

    public void Disconnect() => Send(Request(NBD_CMD_DISC, 0, 0));

    public void Dispose()
    {
        _tls?.Dispose();
        _socket.Dispose();
    }
}
