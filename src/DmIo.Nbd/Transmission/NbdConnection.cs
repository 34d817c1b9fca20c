using System.Collections.Immutable;
using DmIo.Linux;
using DmIo.Nbd.Negotiation;
using DmIo.Nbd.Sockets;
using DmIo.Nbd.Status;
using DmIo.Nbd.Wire;
using Microsoft.Extensions.Logging;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// One connection in the transmission phase, on its export's loop. Owns the socket, what is received from it and its
/// requests; ends when the socket is closed and the last request that was started has come back.
/// </summary>
internal sealed partial class NbdConnection : FdWatch
{
    // Replies are sent at the end of a batch, and at once when more than this has come together: about what a socket
    // takes in one go.
    private const long SendAtOnceBytes = 256 << 10;

    private readonly KernelLoop _loop;
    private readonly Transport _transport;
    private readonly NbdExport _export;
    private readonly NbdLimits _limits;
    private readonly ImmutableArray<MetaContext> _contexts;
    private readonly int _headerBytes;
    private readonly LoopMemory _memory;
    private readonly ReceiveBuffer _received;
    private readonly ReplySender _sender;
    private readonly ILogger _logger;
    private readonly Action<NbdConnection> _ended;
    private readonly Step _batchEnd;
    private byte[] _early;
    private EndReason? _reason;
    private NbdRequest? _inFlight;
    private int _inFlightCount;
    private long _requests;
    private long _errors;
    private long _bytesRead;
    private long _bytesWritten;
    private long _bytesInFlight;
    private long _moves;
    private long _movesSeen = -1;
    private bool _isWatched;
    private bool _isClosed;
    private bool _isDraining;
    private bool _isExportGone;
    private bool _hasDisconnected;

    /// <summary>Takes over a socket whose handshake is done.</summary>
    /// <param name="transport">The way through the socket; both are owned from here on.</param>
    /// <param name="chosen">What the client chose, and how requests and replies look.</param>
    /// <param name="limits">The server's limits.</param>
    /// <param name="memory">What the connections of the export's loop share.</param>
    /// <param name="client">Who it is.</param>
    /// <param name="early">Bytes that were received behind the handshake.</param>
    /// <param name="logger">Where its end is told.</param>
    /// <param name="ended">Called on the export's loop when nothing of the connection is left.</param>
    public NbdConnection(
        Transport transport, ChosenExport chosen, NbdLimits limits, LoopMemory memory, ServedClient client, byte[] early,
        ILogger logger, Action<NbdConnection> ended)
        : base(transport.Fd)
    {
        _transport = transport;
        _export = chosen.Export;
        _loop = _export.Loop;
        _contexts = chosen.Contexts;
        Form = chosen.Form;
        _headerBytes = RequestHeader.Bytes(Form);
        _limits = limits;
        _memory = memory;
        _early = early;
        _logger = logger;
        _ended = ended;
        Client = client;
        _received = new ReceiveBuffer(memory, this);
        _sender = new ReplySender(this, transport, Form);
        _batchEnd = new Step(EndBatch);
    }

    /// <summary>Who it is.</summary>
    public ServedClient Client { get; }

    /// <summary>How requests and replies look.</summary>
    public ReplyForm Form { get; }

    /// <summary>What is served.</summary>
    public NbdExport Export => _export;

    /// <summary>What was asked for so far. From any thread; the figures may be of different instants.</summary>
    public NbdTraffic Traffic => new(
        Volatile.Read(ref _inFlightCount), Volatile.Read(ref _requests), Volatile.Read(ref _errors),
        Volatile.Read(ref _bytesRead), Volatile.Read(ref _bytesWritten));

    /// <summary>The device that is served.</summary>
    public OrderedDevice Device => _export.Device;

    /// <summary>Whether the connection stands in line for memory.</summary>
    public bool WaitsForMemory { get; set; }

    /// <summary>Begins to serve. Posted once, from the front loop.</summary>
    public void PostBegin() => _loop.Post(new Step(Begin));

    /// <summary>
    /// The export is there no longer: answers new requests ESHUTDOWN, finishes the others, closes. Posted once, from the
    /// front loop.
    /// </summary>
    public void PostExportGone() => _loop.Post(new Step(ExportGone));

    /// <summary>
    /// The server goes and may come back: finishes what was started and closes; what was not is never started, nor
    /// answered. An error would be final, and a client that connects again asks again. Posted once, from the front loop.
    /// </summary>
    public void PostLeave() => _loop.Post(new Step(Leave));

    /// <summary>Closes at once. Posted once, from the front loop.</summary>
    public void PostKill() => _loop.Post(new Step(() => Close(EndReason.Killed)));

    /// <summary>Takes a request back from the device.</summary>
    public void Finished(NbdRequest request)
    {
        Count(request);
        if (_isClosed)
        {
            Released(request);
            return;
        }
        _sender.Add(request);
        if (_sender.UnsentBytes >= SendAtOnceBytes && !_sender.IsFull)
            Send();
        _batchEnd.AtBatchEnd(_loop);
    }

    /// <summary>Takes a request back when its reply is in the socket, or will never be.</summary>
    public void Released(NbdRequest request)
    {
        if (request.PreviousInFlight is { } previous)
            previous.NextInFlight = request.NextInFlight;
        else
            _inFlight = request.NextInFlight;
        if (request.NextInFlight is { } next)
            next.PreviousInFlight = request.PreviousInFlight;
        request.PreviousInFlight = request.NextInFlight = null;
        _inFlightCount--;
        _bytesInFlight -= request.CountedBytes;
        request.Release();
        _memory.ServeLineLater();
        if (_isClosed && _inFlightCount == 0)
            End();
    }

    /// <summary>
    /// Closes the connection if it keeps memory and has moved no byte since this was asked before: a client that
    /// takes no replies or acknowledges none, or that does not finish its request.
    /// </summary>
    public void CloseIfStalled()
    {
        bool waitsForClient = _sender.IsFull || AwaitsSignOfLife
            || (!WaitsForMemory && !_isHeldUp && (_partial is not null || _received.UnreadBytes > 0));
        if (waitsForClient && _movesSeen == _moves)
            Close(EndReason.Stalled);
        _movesSeen = _moves;
    }

    /// <summary>It is this connection's turn to ask for memory again.</summary>
    public void MemoryReturned()
    {
        if (_inFlightCount > 0)
            NoteSilence();
        Pump();
    }

    /// <inheritdoc/>
    protected override void OnReadable()
    {
        _readable = true;
        if (!_isHeldUp && !WaitsForMemory)
            Pump();
    }

    /// <inheritdoc/>
    protected override void OnWritable()
    {
        if (_isClosed)
            return;
        _sender.IsFull = false;
        EndBatch();
    }

    private void Count(NbdRequest request)
    {
        _requests++;
        if (request.ReplyError != 0)
            _errors++;
        else if (request.Command == NbdConstants.NBD_CMD_READ)
            _bytesRead += request.ReplyData.LengthBytes;
        else if (request.Command == NbdConstants.NBD_CMD_WRITE)
            _bytesWritten += request.CountedBytes;
    }

    private void Begin()
    {
        _memory.Add(this);
        try
        {
            _loop.Watch(this);
            _isWatched = true;
        }
        catch (IOException e)
        {
            Close(new EndReason(e.Message, false));
            return;
        }
        _readable = true;
        Pump();
    }

    private void ExportGone()
    {
        if (_isClosed)
            return;
        _isExportGone = true;
        _reason ??= EndReason.ExportGone;
        Pump();
        CloseIfDrained();
    }

    private void Leave()
    {
        if (_isClosed)
            return;
        ReleaseUnfinished();
        Drain(EndReason.Stopped);
    }

    // Nothing more is taken from the client; what was started finishes and is answered.
    private void Drain(EndReason reason)
    {
        _reason ??= reason;
        _isDraining = true;
        CloseIfDrained();
    }

    private void CloseIfDrained()
    {
        if (_inFlightCount == 0 && _transport.UnsentBytes == 0 && (_isDraining || _isExportGone))
            Close(_reason!.Value);
    }

    private void EndBatch()
    {
        if (_isClosed)
            return;
        if (!_sender.IsFull)
            Send();
        if (!_isClosed && !WaitsForMemory && (!_isHeldUp || MayStartMore))
            Pump();
        if (!_isClosed)
            CloseIfDrained();
    }

    private void Send()
    {
        if ((_isHeldUp || WaitsForMemory) && _sender.UnsentBytes > 0)
        {
            NoteSilence();
            NoteMove();
        }
        long before = _transport.SentBytes;
        Errno errno = _sender.Send();
        _moves += _transport.SentBytes - before;
        if (errno == Errno.EAGAIN)
            _loop.WatchWritable(this);
        else if (errno != Errno.None)
            Close(_transport.Broken("send", errno));
    }

    // A peer that closed both ways refuses even an empty message.
    private unsafe void CloseIfPeerIsGone(EndReason reason)
    {
        var nothing = new MessageHeader();
        nint sent = Libc.SendMessage(Fd, &nothing, LinuxConstants.MSG_DONTWAIT | LinuxConstants.MSG_NOSIGNAL);
        if (sent < 0 && Libc.LastErrno is not (Errno.EAGAIN or Errno.EINTR))
            Close(reason);
    }

    private void Close(EndReason reason)
    {
        if (_isClosed)
            return;
        _isClosed = true;
        _reason ??= reason;
        if (_isWatched)
            _loop.Unwatch(this);
        _transport.Close();
        _ = Libc.Close(Fd);
        _export.HalfClosed.Remove(this);
        AbandonInFlight();
        _inFlightCount++; // Held until all is let go of, so that the end comes once and last.
        _sender.Discard();
        _received.Discard();
        ReleaseUnfinished();
        if (--_inFlightCount == 0)
            End();
    }

    private void End()
    {
        _lookAgain?.Dispose();
        _sender.Free();
        _memory.Remove(this);
        _logger.ConnectionEnded(Printable.Name(_export.Name), Client.Peer, _reason!.Value);
        _ended(this);
    }
}
