using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace DmIo.Nbd.Tests;

/// <summary>One connection of a case: sends in whatever pieces, reads all the time, and holds the answers to the rules.</summary>
internal sealed partial class FuzzClient : IDisposable
{
    private const int ReceiveBytes = 64 << 10;

    // ioctl: bytes that the other end of a Unix socket has not taken, or that TCP's has not acknowledged.
    private const nuint SIOCOUTQ = 0x5411;

    // Of one step: a long payload byte by byte takes seconds.
    private const int MostPieces = 64;

    // How long to wait for a piece to be taken: a server that is busy or held up takes it later.
    private static readonly TimeSpan s_pieceTime = TimeSpan.FromMilliseconds(2);

    private readonly Socket _socket;
    private readonly FuzzSent _sent;
    private readonly FuzzReceived _received;
    private readonly byte[] _buffer = new byte[ReceiveBytes];
    private readonly NbdLimits _limits;
    private long _readAt = TimeProvider.System.GetTimestamp();
    private byte[] _heldBack = [];
    private byte[] _unsent = [];
    private int _cut = -1;
    private FuzzStep? _spoil;
    private bool _isClosed;

    public FuzzClient(EndPoint address, IReadOnlyList<FuzzExport> exports, NbdLimits limits, ISet<uint> features)
    {
        _socket = address is IPEndPoint ip
            ? new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _socket.Connect(address);
        _socket.Blocking = false;
        _limits = limits;
        _sent = new FuzzSent(exports, limits);
        _received = new FuzzReceived(_sent, exports, features);
    }

    public Socket Socket => _socket;

    /// <summary>Bytes of one send; 0: as many as there are.</summary>
    public int PieceBytes { get; set; }

    /// <summary>Whether something is yet to come from the server, or yet to be taken by it.</summary>
    public bool IsBusy => !_isClosed && (_unsent.Length > 0 || _received.Owes || Ends);

    public bool IsOpen => !_isClosed;

    /// <summary>Whether the socket does not take all that is to be sent.</summary>
    public bool IsFull => !_isClosed && _unsent.Length > 0;

    /// <summary>What it waits for, for people.</summary>
    public string Waits => $"{_unsent.Length} bytes to send, {_sent.Options.Count} options, {_sent.Requests.Count} requests"
        + $" ({string.Join("; ", _sent.Requests.Take(3).Select(r => r.Header))}), outlook {_sent.Outlook} {_sent.Reason}";

    // The server must close: because of what was sent, or because nothing more will come.
    private bool Ends => _received.HasFinishedSending || _sent.Outlook != FuzzOutlook.Open;

    // By a server whose memory others wait for, when the client does not finish what it has begun, or has not read for long.
    private bool MayBeCutOff => _limits.StallTimeout == FuzzWorld.StallTimeout
        && (_sent.IsUnfinished || TimeProvider.System.GetElapsedTime(_readAt) > _limits.StallTimeout / 2);

    /// <summary>Only the first bytes of what comes next go out at once.</summary>
    public void Cut(int bytes) => _cut = bytes;

    /// <summary>What comes next is changed on its way.</summary>
    public void Spoil(FuzzStep how) => _spoil = how;

    /// <summary>Sends a step's bytes.</summary>
    public void Send(FuzzStep step)
    {
        byte[] bytes = step.Encode(_sent.Form == Wire.ReplyForm.Extended);
        if (_spoil is { } spoil)
        {
            int from = (int)Math.Min((ulong)bytes.Length, spoil[FuzzField.Offset]);
            int to = from + (int)Math.Min((ulong)(bytes.Length - from), spoil[FuzzField.Length]);
            bytes = [.. bytes[..from], .. spoil.Data, .. bytes[to..]];
            _spoil = null;
        }
        bytes = [.. _heldBack, .. bytes];
        int now = _cut < 0 ? bytes.Length : Math.Min(_cut, bytes.Length);
        _heldBack = bytes[now..];
        _cut = -1;
        if (_isClosed || _received.HasFinishedSending)
            return;
        int piece = PieceBytes > 0 ? Math.Max(PieceBytes, now / MostPieces) : Math.Max(now, 1);
        for (int at = 0; at < now && !_isClosed; at += piece)
            SendPiece(bytes.AsSpan(at, Math.Min(piece, now - at)));
    }

    /// <summary>Sends and receives what can be.</summary>
    /// <returns>Whether anything moved.</returns>
    public bool Advance()
    {
        bool moves = false;
        while (!_isClosed && Receive())
            moves = true;
        _readAt = TimeProvider.System.GetTimestamp();
        if (!_isClosed && _unsent.Length > 0)
        {
            int n = _socket.Send(_unsent, SocketFlags.None, out SocketError error);
            if (error == SocketError.Success)
            {
                _unsent = _unsent[n..];
                moves |= n > 0;
            }
            else if (error != SocketError.WouldBlock)
            {
                // What came before the end is still to be read.
                _unsent = [];
                moves = true;
            }
        }
        return moves;
    }

    /// <summary>Ends the connection; what the server owes then, nobody will hear.</summary>
    public void End(Ending ending)
    {
        if (_isClosed)
            return;
        if (ending == Ending.HalfClosed)
        {
            _received.HasFinishedSending = true;
            if (_unsent.Length > 0)
                Close();
            else
                Shutdown(SocketShutdown.Send);
            return;
        }
        if (ending == Ending.ShutDown)
            Shutdown(SocketShutdown.Both);
        if (ending == Ending.Reset)
            _socket.LingerState = new LingerOption(true, 0);
        Close();
    }

    public void Dispose() => Close();

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int IoControl(int fd, nuint request, out int value);

    private void Shutdown(SocketShutdown how)
    {
        try
        {
            _socket.Shutdown(how);
        }
        catch (SocketException)
        {
            // The server was faster.
        }
    }

    private void SendPiece(ReadOnlySpan<byte> bytes)
    {
        _sent.Add(bytes);
        _unsent = [.. _unsent, .. bytes];
        Advance();
        if (PieceBytes == 0 || _socket.AddressFamily != AddressFamily.Unix)
            return;
        long start = TimeProvider.System.GetTimestamp();
        while (!_isClosed && IoControl((int)_socket.Handle, SIOCOUTQ, out int untaken) == 0 && untaken > 0
            && TimeProvider.System.GetElapsedTime(start) < s_pieceTime)
        {
            Thread.Yield();
        }
    }

    private bool Receive()
    {
        int n = _socket.Receive(_buffer, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
            return false;
        if (error == SocketError.Success && n > 0)
        {
            _received.Add(_buffer.AsSpan(0, n));
            return true;
        }
        ServerClosed(isReset: error != SocketError.Success);
        return false;
    }

    private void ServerClosed(bool isReset)
    {
        bool owes = _received.Owes || _received.IsInTheMiddle;
        string state = $"the server closed{(isReset ? " with a reset" : "")}: {Waits}";
        // A reset throws away what the client has not read.
        bool mayLose = isReset || MayBeCutOff || _received.IsBlind || _sent.HasExcess || _sent.Outlook == FuzzOutlook.Closes;
        bool mayClose = _sent.Outlook != FuzzOutlook.Open || _received.HasFinishedSending || _received.IsBlind || MayBeCutOff;
        Close();
        if (!mayClose || (owes && !mayLose))
            throw new FuzzFailureException(state);
    }

    // Whatever is not answered by now: nobody knows whether it is done.
    private void Close()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        _socket.Dispose();
        foreach (FuzzRequest request in _sent.Requests)
        {
            if (request.Change is { } change)
                _sent.Export!.Content!.Lost(change);
        }
    }
}
