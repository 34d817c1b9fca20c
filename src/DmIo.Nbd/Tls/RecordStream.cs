using System.Buffers;
using System.Threading.Tasks.Sources;

namespace DmIo.Nbd.Tls;

/// <summary>
/// The encrypted side of a TLS connection, as a stream for <see cref="System.Net.Security.SslStream"/>: a read gives
/// whole records, or waits until <see cref="Received"/> has brought one, and goes on within that call; a write never
/// waits, it is kept until it is sent. Holds buffers only while there is something in them.
/// </summary>
internal sealed class RecordStream : Stream, IValueTaskSource<int>
{
    // A few records: less of a call's cost for each, and still in the cache when they are decrypted.
    private const int InputBytes = 64 << 10;

    // Sent when it is full, or there is no more: see the measurements in the README.
    private const int OutputBytes = 128 << 10;

    // A record of TLS 1.3 is longer than what it holds by 22 bytes, of TLS 1.2 by 29, or by up to 90 with ciphers of old.
    private const int RecordOverheadBytes = 128;

    private ManualResetValueTaskSourceCore<int> _read;
    private Memory<byte> _into;
    private RecordScanner _scanner;
    private byte[] _input = [];
    private int _inputAt;
    private int _inputWhole;
    private int _inputEnd;
    private byte[] _output = [];
    private int _outputAt;
    private int _outputEnd;
    private Exception? _failure;
    private bool _hasEnded;

    /// <summary>What is to be sent.</summary>
    public ReadOnlySpan<byte> Unsent => _output.AsSpan(_outputAt.._outputEnd);

    /// <summary>Whether so many bytes of plaintext can be written without taking more memory.</summary>
    public bool HasRoomFor(int plainBytes) =>
        _outputEnd == 0 || _output.Length - _outputEnd >= plainBytes + RecordOverheadBytes;

    /// <summary>Whether a read waits for a record.</summary>
    public bool IsWaiting { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Notes that bytes were sent.</summary>
    public void Sent(int bytes)
    {
        _outputAt += bytes;
        if (_outputAt < _outputEnd)
            return;
        Return(ref _output);
        _outputAt = _outputEnd = 0;
    }

    /// <summary>Where to receive to; there is always room.</summary>
    public Span<byte> Room()
    {
        if (_input.Length == 0)
            _input = ArrayPool<byte>.Shared.Rent(InputBytes);
        if (_input.Length - _inputEnd < RecordScanner.MaxRecordBytes)
        {
            _input.AsSpan(_inputAt.._inputEnd).CopyTo(_input);
            _inputWhole -= _inputAt;
            _inputEnd -= _inputAt;
            _inputAt = 0;
        }
        return _input.AsSpan(_inputEnd);
    }

    /// <summary>Notes that bytes were received into <see cref="Room"/>; 0 is the end.</summary>
    public void Received(int bytes)
    {
        _inputEnd += bytes;
        _hasEnded |= bytes == 0;
        _inputWhole += _scanner.WholeBytes(_input.AsSpan(_inputWhole.._inputEnd));
        if (_hasEnded)
            _inputWhole = _inputEnd;
        Go();
    }

    /// <summary>Nothing was received after all: a buffer that holds nothing is let go.</summary>
    public void ReceivedNothing() => ReturnInputIfEmpty();

    /// <summary>Whoever reads or writes is told that it is over.</summary>
    public void Fail(Exception failure)
    {
        _failure ??= failure;
        Go();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _into = buffer;
        if (CanGoOn)
            return new ValueTask<int>(Take());
        IsWaiting = true;
        _read.Reset();
        return new ValueTask<int>(this, _read.Version);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_failure is not null)
            throw _failure;
        Reserve(buffer.Length);
        buffer.Span.CopyTo(_output.AsSpan(_outputEnd));
        _outputEnd += buffer.Length;
        return default;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) =>
        _ = WriteAsync(buffer.AsMemory(offset, count)).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    int IValueTaskSource<int>.GetResult(short token) => _read.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _read.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _read.OnCompleted(continuation, state, token, flags & ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext);

    protected override void Dispose(bool disposing)
    {
        Fail(new IOException("the connection is closed"));
        Return(ref _input);
        Return(ref _output);
        _inputAt = _inputWhole = _inputEnd = 0;
        _outputAt = _outputEnd = 0;
        base.Dispose(disposing);
    }

    private bool CanGoOn => _inputWhole > _inputAt || _hasEnded || _failure is not null;

    private void Go()
    {
        if (!IsWaiting || !CanGoOn)
            return;
        IsWaiting = false;
        // Where there is a context, tasks would go on elsewhere, on the thread pool, instead of within this call.
        SynchronizationContext? context = SynchronizationContext.Current;
        if (context is not null)
            SynchronizationContext.SetSynchronizationContext(null);
        if (_failure is not null)
            _read.SetException(_failure);
        else
            _read.SetResult(Take());
        if (context is not null)
            SynchronizationContext.SetSynchronizationContext(context);
    }

    private int Take()
    {
        if (_failure is not null)
            throw _failure;
        int count = Math.Min(_into.Length, _inputWhole - _inputAt);
        _input.AsSpan(_inputAt, count).CopyTo(_into.Span);
        _inputAt += count;
        ReturnInputIfEmpty();
        return count;
    }

    private void ReturnInputIfEmpty()
    {
        if (_inputAt < _inputEnd)
            return;
        Return(ref _input);
        _inputAt = _inputWhole = _inputEnd = 0;
    }

    private void Reserve(int bytes)
    {
        if (_output.Length - _outputEnd >= bytes)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(OutputBytes, 2 * (_outputEnd + bytes)));
        Unsent.CopyTo(larger);
        (_outputAt, _outputEnd) = (0, _outputEnd - _outputAt);
        Return(ref _output);
        _output = larger;
    }

    private static void Return(ref byte[] buffer)
    {
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }
}
