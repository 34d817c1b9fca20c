using System.Net;
using System.Net.Sockets;
using System.Text;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>A client that keeps to the rules, stays connected, and must always be served.</summary>
internal sealed class FuzzControl : IDisposable
{
    private const int PatienceMs = 120_000;
    private const int PayloadBytes = 1024;

    private readonly Socket _socket;
    private ulong _cookie;

    public FuzzControl(EndPoint address)
    {
        _socket = new Socket(
            address.AddressFamily, SocketType.Stream,
            address is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        _socket.ReceiveTimeout = _socket.SendTimeout = PatienceMs;
        if (address is IPEndPoint)
            _socket.NoDelay = true;
        _socket.Connect(address);
        byte[] name = Encoding.UTF8.GetBytes("control");
        _ = Receive(GreetingBytes);
        _socket.Send(
        [
            .. Bytes.U32(NBD_FLAG_C_FIXED_NEWSTYLE | NBD_FLAG_C_NO_ZEROES), .. Bytes.U64(IHAVEOPT),
            .. Bytes.U32(NBD_OPT_EXPORT_NAME), .. Bytes.U32((uint)name.Length), .. name,
        ]);
        _ = Receive(ExportNameReplyBytes);
    }

    /// <summary>Writes something and reads it again.</summary>
    public void Check()
    {
        byte[] payload = Bytes.Random(PayloadBytes, (int)++_cookie);
        _socket.Send([.. Header(NBD_CMD_WRITE), .. payload]);
        ReadReply();
        _socket.Send(Header(NBD_CMD_READ));
        ReadReply();
        if (!Receive(PayloadBytes).AsSpan().SequenceEqual(payload))
            throw new FuzzFailureException("a client that keeps to the rules reads what it has not written");
    }

    public void Dispose() => _socket.Dispose();

    private byte[] Header(ushort type) =>
    [
        .. Bytes.U32(NBD_REQUEST_MAGIC), .. Bytes.U16(0), .. Bytes.U16(type), .. Bytes.U64(_cookie),
        .. Bytes.U64(_cookie % 200 * PayloadBytes), .. Bytes.U32(PayloadBytes),
    ];

    private void ReadReply()
    {
        var reader = new WireReader(Receive(SimpleReplyHeaderBytes));
        if (reader.ReadUInt32() != NBD_SIMPLE_REPLY_MAGIC || reader.ReadUInt32() != 0 || reader.ReadUInt64() != _cookie)
            throw new FuzzFailureException("a client that keeps to the rules is answered something else");
    }

    private byte[] Receive(int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int n;
            try
            {
                n = _socket.Receive(bytes.AsSpan(at));
            }
            catch (SocketException e)
            {
                throw new FuzzFailureException($"a client that keeps to the rules is not served: {e.Message}", e);
            }
            if (n == 0)
                throw new FuzzFailureException("a client that keeps to the rules is cut off");
            at += n;
        }
        return bytes;
    }
}
