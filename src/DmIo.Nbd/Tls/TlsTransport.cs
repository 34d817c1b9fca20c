using System.Diagnostics;
using System.Net.Security;
using DmIo.Linux;
using DmIo.Nbd.Sockets;
using DmIo.Nbd.Transmission;

namespace DmIo.Nbd.Tls;

/// <summary>
/// A connection in TLS. The library's stream works on a <see cref="RecordStream"/> that completes its reads from within
/// the loop, so nothing leaves the loop's thread. Received data is decrypted straight to where it is wanted; what is sent
/// is encrypted in records as full as can be, many of which go out in one call.
/// </summary>
#pragma warning disable CA1001 // Close frees what it has.
internal sealed unsafe partial class TlsTransport : Transport
#pragma warning restore CA1001
{
    /// <summary>The most that a record holds (RFC 8446, 5.1).</summary>
    private const int MaxPlainBytes = 1 << 14;

    // So that a client that sends without pause leaves others their turn.
    private const nint MaxReceiveBytes = 1 << 20;

    private readonly RecordStream _records = new();
    private readonly SslStream _ssl;
    private readonly NativeWindow _window = new();
    private readonly byte[] _gathered = GC.AllocateUninitializedArray<byte>(MaxPlainBytes);
    private string? _failure;
    private bool _isClosed;

    // A read of nothing, which waits for data without a buffer that would be kept for it.
    private ValueTask<int> _probe;
    private bool _probes;

    public TlsTransport(int fd)
        : base(fd) => _ssl = new SslStream(_records, leaveInnerStreamOpen: false);

    public override int UnsentBytes => _records.Unsent.Length;

    public override nint Receive(IoVec* vectors, int count, out Errno errno)
    {
        errno = Errno.None;
        nint total = 0;
        for (int i = 0; i < count; i++)
        {
            nint at = 0;
            while (at < vectors[i].Length)
            {
                int wanted = (int)Math.Min(vectors[i].Length - at, int.MaxValue);
                int got = ReceiveSome(vectors[i].Base + at, wanted, out errno);
                if (got <= 0)
                    return total > 0 ? total : got;
                at += got;
                total += got;
                if (total >= MaxReceiveBytes)
                    return total;
            }
        }
        return total;
    }

    public override nint Send(IoVec* vectors, int count, out Errno errno)
    {
        nint taken = 0;
        int index = 0;
        nint at = 0;
        while (true)
        {
            while (index < count && at == vectors[index].Length)
                (index, at) = (index + 1, 0);
            bool isAll = index == count;
            if (isAll || !_records.HasRoomFor(MaxPlainBytes))
            {
                errno = Flush();
                if (errno != Errno.None && (errno != Errno.EAGAIN || taken == 0))
                    return -1;
                if (isAll || errno != Errno.None)
                    return taken;
            }
            int taking = Gather(vectors, count, ref index, ref at, out ReadOnlyMemory<byte> plain);
            if (!TryEncrypt(plain))
            {
                errno = Errno.EIO;
                return -1;
            }
            taken += taking;
        }
    }

    public override Errno Flush()
    {
        while (_records.Unsent.Length > 0)
        {
            nint sent;
            Errno errno;
            fixed (byte* start = _records.Unsent)
            {
                var vector = new IoVec((nint)start, _records.Unsent.Length);
                sent = SendToSocket(&vector, 1, out errno);
            }
            if (errno != Errno.None)
                return errno;
            _records.Sent((int)sent);
        }
        return Errno.None;
    }

    public override EndReason Broken(string call, Errno errno) =>
        _failure is null ? base.Broken(call, errno) : new EndReason($"TLS: {_failure}", false);

    /// <summary>Sends close_notify, if the socket takes it, and does not wait for the peer's.</summary>
    public override void Close()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        if (IsOpen && _failure is null)
            SayGoodbye();
        _ = Flush();
        _records.Fail(new IOException("the connection is closed"));
        DropProbe();
        _ssl.Dispose();
    }

    private void SayGoodbye()
    {
        try
        {
            Now(new ValueTask(_ssl.ShutdownAsync()));
        }
#pragma warning disable CA1031 // The library throws its own kinds; the connection ends with or without it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = TlsFailure.Describe(e);
        }
    }

    private static void Now(ValueTask written)
    {
        Debug.Assert(written.IsCompleted, "writes to this stream never wait");
        written.GetAwaiter().GetResult();
    }

    private void DropProbe()
    {
        if (!_probes)
            return;
        _probes = false;
        try
        {
            _ = _probe.GetAwaiter().GetResult();
        }
#pragma warning disable CA1031 // What it was told a moment ago, however it is wrapped.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    // Decrypted bytes; 0 at the end; -1 and why.
    private int ReceiveSome(nint address, int length, out Errno errno)
    {
        errno = Errno.None;
        try
        {
            while (_failure is null)
            {
                if (!_probes)
                {
#pragma warning disable CA2012 // It is used once.
                    _probe = _ssl.ReadAsync(Memory<byte>.Empty);
#pragma warning restore CA2012
                    _probes = true;
                }
                if (_probe.IsCompleted)
                {
                    _probes = false;
                    _ = _probe.GetAwaiter().GetResult();
                    return Now(_ssl.ReadAsync(_window.Show(address, length)));
                }
                if (ReceiveRecords() is var failed and not Errno.None)
                {
                    errno = failed;
                    return -1;
                }
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            _failure ??= TlsFailure.Describe(e);
        }
        errno = Errno.EIO;
        return -1;
    }

    private static int Now(ValueTask<int> read)
    {
        Debug.Assert(read.IsCompleted, "the probe has found data, or the end");
        return read.GetAwaiter().GetResult();
    }

    // One receive; whoever waits for a record gets it.
    private Errno ReceiveRecords()
    {
        Errno errno;
        nint got;
        Span<byte> room = _records.Room();
        fixed (byte* start = room)
        {
            var vector = new IoVec((nint)start, room.Length);
            got = ReceiveFromSocket(&vector, 1, out errno);
        }
        if (got >= 0)
            _records.Received((int)got);
        else
            _records.ReceivedNothing();
        return errno;
    }

    // The next record's plaintext: where it lies, if that is one piece, or gathered.
    private int Gather(IoVec* vectors, int count, ref int index, ref nint at, out ReadOnlyMemory<byte> plain)
    {
        IoVec first = vectors[index];
        if (first.Length - at >= MaxPlainBytes)
        {
            plain = _window.Show(first.Base + at, MaxPlainBytes);
            at += MaxPlainBytes;
            return MaxPlainBytes;
        }
        int gathered = 0;
        while (index < count && gathered < MaxPlainBytes)
        {
            int piece = (int)Math.Min(vectors[index].Length - at, MaxPlainBytes - gathered);
            new ReadOnlySpan<byte>((byte*)vectors[index].Base + at, piece).CopyTo(_gathered.AsSpan(gathered));
            gathered += piece;
            at += piece;
            if (at == vectors[index].Length)
                (index, at) = (index + 1, 0);
        }
        plain = _gathered.AsMemory(0, gathered);
        return gathered;
    }

    private bool TryEncrypt(ReadOnlyMemory<byte> plain)
    {
        if (_failure is not null)
            return false;
        try
        {
            Now(_ssl.WriteAsync(plain));
            return true;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            _failure ??= TlsFailure.Describe(e);
            return false;
        }
    }
}
