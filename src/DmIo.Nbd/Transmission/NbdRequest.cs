using DmIo.Nbd.Edge;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// One request of a client, from its header to the last byte of its reply; it travels to the device as itself, once or,
/// where the export's edge asks for it, several times. Pooled by the loop. It owns its buffers and holds the chunk that
/// its payload lies in until its reply has been sent and no device holds it any more.
/// </summary>
internal sealed partial class NbdRequest(LoopMemory memory) : BlockRequest
{
    private IoSegment[] _segments = new IoSegment[2];
    private int _segmentCount;
    private int _firstOwned;
    private ReceiveChunk? _chunk;
    private RequestPlan _plan = DirectPlan.Reading;
    private bool _isParked;
    private BlockFailure? _failure;
    private long _failedOffset;

    /// <summary>The connection that the request came on.</summary>
    public NbdConnection Connection { get; private set; } = null!;

    /// <summary>What the client knows the request by.</summary>
    public ulong Cookie { get; private set; }

    /// <summary>First byte that the client named.</summary>
    public long OffsetBytes { get; private set; }

    /// <summary>Bytes that the client named.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>Buffer bytes that the request counts for in its connection's limit.</summary>
    public long CountedBytes { get; set; }

    /// <summary>The error that the reply carries.</summary>
    public uint ReplyError { get; private set; }

    /// <summary>Why the device failed it; none when it was refused without asking the device.</summary>
    public Errno FailedErrno { get; private set; }

    /// <summary>Reply bytes that the socket has not taken yet.</summary>
    public long UnsentBytes { get; set; }

    /// <summary>The next reply in its connection's queue.</summary>
    public NbdRequest? NextReply { get; set; }

    /// <summary>Neighbours among the requests in flight of a connection.</summary>
    public NbdRequest? PreviousInFlight { get; set; }

    /// <inheritdoc cref="PreviousInFlight"/>
    public NbdRequest? NextInFlight { get; set; }

    /// <summary>What the loop's connections share.</summary>
    public LoopMemory Memory => memory;

    // Of the operations that are the request itself, only a plain read's data is sent on as it is.
    public override bool TakesOtherMemory => _plan.HasReplyData;

    private IoVector Vector => new(_segments, _segmentCount);

    public void Begin(NbdConnection connection, in RequestHeader header)
    {
        Connection = connection;
        Cookie = header.Cookie;
        OffsetBytes = (long)header.Offset;
        LengthBytes = (long)header.Length;
        Command = header.Type;
        DontFragment = (header.Flags & NBD_CMD_FLAG_DF) != 0;
        CountedBytes = 0;
        ReplyError = 0;
        FailedErrno = Errno.None;
        _failure = null;
        _failedOffset = -1;
    }

    /// <summary>Takes a part of a chunk as the first segment of the payload.</summary>
    public void AddFromChunk(ReceiveChunk chunk, IoSegment part)
    {
        chunk.Hold();
        _chunk = chunk;
        _segments[0] = part;
        _segmentCount = _firstOwned = 1;
    }

    /// <summary>Takes ownership of a rented buffer.</summary>
    public void AddBuffer(IoSegment buffer)
    {
        if (_segmentCount == _segments.Length)
            Array.Resize(ref _segments, _segmentCount * 6);
        _segments[_segmentCount++] = buffer;
    }

    /// <summary>Starts the request; its buffers are there, and its payload if it has one.</summary>
    public void StartPlan(RequestPlan plan)
    {
        _plan = plan;
        plan.Start(this);
    }

    /// <summary>Ends the request's work on the device: the reply goes out.</summary>
    public void Finish(Errno error)
    {
        LeaveTurn();
        if (error == Errno.None && _plan.HasReplyData)
            ReplyData = HasOtherAnswer ? AnsweredData.Slice(HeadBytes, LengthBytes) : Payload;
        bool neverStarted = IsAbandoned && error == Errno.ECANCELED;
        if (!neverStarted)
            FailedErrno = error;
        ReplyError = WireError.From(neverStarted ? Errno.ESHUTDOWN : error);
        Connection.Finished(this);
    }

    /// <summary>Answers without having asked the device.</summary>
    public void Refuse(Errno error)
    {
        bool isFastZero = error == Errno.EOPNOTSUPP && Command == NBD_CMD_WRITE_ZEROES;
        ReplyError = isFastZero ? NBD_ENOTSUP : WireError.From(error);
        Connection.Finished(this);
    }

    /// <summary>
    /// Returns everything that the request holds, and the request itself, to the loop's memory; when a device still holds
    /// it, as soon as it does not.
    /// </summary>
    public void Release()
    {
        memory.RequestEnded();
        ReleaseAnswer();
        ReleaseEdge();
        if (IsHeld)
        {
            Park();
            return;
        }
        for (int i = _firstOwned; i < _segmentCount; i++)
            memory.Return(_segments[i]);
        _chunk?.Release();
        Reset();
    }

    protected override void Completed()
    {
        if (Error != Errno.None)
            NoteFailure(this);
        _plan.Continue(this, Error);
    }

    protected override void Unheld()
    {
        if (!_isParked)
            return; // The reply is still on its way.
        _isParked = false;
        for (int i = _firstOwned; i < _segmentCount; i++)
            memory.ReturnPinned(_segments[i]);
        _chunk?.ReleaseParked();
        Reset();
        memory.Unparked();
    }

    // Where it was is told only of what has a place.
    private void NoteFailure(BlockRequest operation)
    {
        _failure = operation.Failure;
        _failedOffset = operation.Operation == BlockOperation.Flush
            ? -1
            : Math.Max(operation.FailedAt.Bytes, OffsetBytes);
    }

    private void Park()
    {
        _isParked = true;
        for (int i = _firstOwned; i < _segmentCount; i++)
            memory.Pin(_segments[i]);
        _chunk?.Park();
        memory.Parked();
    }

    private void Reset()
    {
        _segmentCount = _firstOwned = 0;
        _chunk = null;
        ReplyData = Payload = Whole = Data = default;
        Flags = BlockFlags.None;
        IsAbandoned = false;
        _isComposed = false;
        _failure = null;
        memory.Return(this);
    }
}
