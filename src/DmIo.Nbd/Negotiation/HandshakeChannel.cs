using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using DmIo.Linux;
using DmIo.Nbd.Sockets;
using DmIo.Nbd.Tls;
using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Negotiation;

/// <summary>
/// A socket during the handshake, on the front loop: what is received goes through a pipe that frames it, so that the
/// code that negotiates can read as if it waited. Owns the socket until it is closed or detached.
/// </summary>
internal sealed class HandshakeChannel : FdWatch
{
    // Little more than what is waited for is received, so that little is left over when the handshake ends.
    private const int ReceiveBytes = 4096;

    private readonly KernelLoop _loop;
    private readonly Pipe _pipe = new(new PipeOptions(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0));

    private Transport _transport;
    private TlsTransport? _tls;
    private TaskCompletionSource? _writable;
    private EndReason? _reason;
    private bool _readable = true;
    private bool _isWatched;
    private bool _isOver;
    private long _unread;
    private long _wanted;

    public HandshakeChannel(KernelLoop loop, int fd)
        : base(fd)
    {
        _loop = loop;
        _transport = new PlainTransport(fd);
    }

    /// <summary>Begins to receive.</summary>
    /// <exception cref="HandshakeException">The socket cannot be watched.</exception>
    public void Open()
    {
        try
        {
            _loop.Watch(this);
            _isWatched = true;
        }
        catch (IOException e)
        {
            throw new HandshakeException(new EndReason(e.Message, false));
        }
    }

    /// <summary>Waits for so many bytes and takes them.</summary>
    /// <exception cref="HandshakeException">The connection ended before they came.</exception>
    public async ValueTask<byte[]> ReadAsync(int count)
    {
        if (count == 0)
            return [];
        while (true)
        {
            _wanted = count;
            Fill();
            ReadResult result = await _pipe.Reader.ReadAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (buffer.Length >= count)
            {
                ReadOnlySequence<byte> taken = buffer.Slice(0, count);
                byte[] bytes = taken.ToArray();
                _pipe.Reader.AdvanceTo(taken.End);
                _unread -= count;
                return bytes;
            }
            _pipe.Reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
                throw new HandshakeException(_reason!.Value);
        }
    }

    /// <summary>Sends all of a message.</summary>
    /// <exception cref="HandshakeException">The connection ended.</exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> message)
    {
        while (message.Length > 0 || _transport.UnsentBytes > 0)
        {
            if (_reason is { } reason && !reason.IsOrderly)
                throw new HandshakeException(reason);
            Errno errno = TrySend(message.Span, out int sent);
            message = message[sent..];
            if (errno == Errno.EAGAIN)
            {
                _writable = new TaskCompletionSource();
                _loop.WatchWritable(this);
                await _writable.Task;
            }
            else if (errno != Errno.None)
            {
                throw new HandshakeException(_transport.Broken("send", errno));
            }
        }
    }

    /// <summary>
    /// Begins TLS: from here on nothing goes through the socket in the clear.
    /// </summary>
    /// <exception cref="HandshakeException">The connection ended, or it came to no TLS.</exception>
    public async ValueTask StartTlsAsync(TlsNegotiation negotiation)
    {
        // Clients wait for the answer before they go on. Who did not, or whoever wrote into their connection, may not
        // have it read as if it had come in TLS.
        if (_unread > 0)
            throw new HandshakeException(new EndReason("sent more behind STARTTLS, before it was answered", false));
        var peer = new TlsPeer(negotiation.Credentials!.Source.AllowedPeers);
        _transport = _tls = new TlsTransport(Fd);
        try
        {
            await _tls.OpenAsync(negotiation.Credentials.OptionsFor(peer), () => _loop.WatchWritable(this));
        }
        catch (TlsException e)
        {
            throw new HandshakeException(_reason ?? new EndReason($"TLS: {peer.Refusal ?? e.Message}", false));
        }
        negotiation.Began(_tls, peer);
    }

    /// <summary>Ends the handshake from outside; whoever reads or sends is told.</summary>
    public void Abort(EndReason reason)
    {
        _reason ??= reason;
        _isOver = true;
        _pipe.Writer.Complete();
        _writable?.TrySetException(new HandshakeException(_reason.Value));
        _tls?.Abort();
    }

    /// <summary>Hands the socket over, with what was received behind the handshake.</summary>
    public byte[] Detach(out Transport transport)
    {
        transport = _transport;
        _isOver = true;
        _loop.Unwatch(this);
        byte[] rest = [];
        if (_pipe.Reader.TryRead(out ReadResult result))
        {
            rest = result.Buffer.ToArray();
            _pipe.Reader.AdvanceTo(result.Buffer.End);
        }
        return rest;
    }

    public void Close()
    {
        _isOver = true;
        if (_isWatched)
            _loop.Unwatch(this);
        _transport.Close();
        _ = Libc.Close(Fd);
    }

    protected override void OnReadable()
    {
        _readable = true;
        if (_tls is { IsOpen: false } opening)
            opening.Readable();
        else
            Fill();
    }

    protected override void OnWritable()
    {
        if (_tls is { IsOpen: false } opening)
            opening.Writable();
        else
            _writable?.TrySetResult();
    }

    private unsafe void Fill()
    {
        while (_readable && !_isOver && _unread < _wanted)
        {
            Memory<byte> room = _pipe.Writer.GetMemory(ReceiveBytes);
            nint got;
            Errno errno;
            fixed (byte* start = room.Span)
            {
                var vector = new IoVec((nint)start, Math.Min(room.Length, ReceiveBytes));
                got = _transport.Receive(&vector, 1, out errno);
            }
            if (got > 0)
            {
                _unread += got;
                _pipe.Writer.Advance((int)got);
                ValueTask<FlushResult> flush = _pipe.Writer.FlushAsync();
                Debug.Assert(flush.IsCompleted, "this pipe never asks its writer to pause");
            }
            else if (got == 0)
            {
                Abort(EndReason.Closed);
            }
            else if (errno == Errno.EAGAIN)
            {
                _readable = false;
            }
            else
            {
                Abort(_transport.Broken("receive", errno));
            }
        }
    }

    private unsafe Errno TrySend(ReadOnlySpan<byte> message, out int sent)
    {
        Errno errno;
        fixed (byte* start = message)
        {
            var vector = new IoVec((nint)start, message.Length);
            sent = (int)Math.Max(0, _transport.Send(&vector, 1, out errno));
        }
        return errno;
    }
}
