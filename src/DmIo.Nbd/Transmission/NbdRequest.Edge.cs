namespace DmIo.Nbd.Transmission;

/// <summary>
/// What a request needs where bytes become sectors: its range rounded out, its turn, a scratch block.
/// </summary>
internal sealed partial class NbdRequest
{
    private IoSegment _scratch;
    private EdgeStep? _step;
    private EdgeTurn? _turn;
    private bool _holdsTurn;

    /// <summary>The buffer for the whole of <see cref="RangeStart"/> and <see cref="RangeCount"/>.</summary>
    public IoVector Whole { get; private set; }

    /// <summary>The client's bytes within <see cref="Whole"/>.</summary>
    public IoVector Payload { get; private set; }

    /// <summary>First sector of the client's range, rounded out to logical blocks.</summary>
    public Sectors RangeStart { get; private set; }

    /// <summary>Sectors of the client's range, rounded out to logical blocks.</summary>
    public Sectors RangeCount { get; private set; }

    /// <summary>Whether the reply must wait for stable media.</summary>
    public bool Durable { get; set; }

    /// <summary>WRITE_ZEROES: keep the space allocated.</summary>
    public bool KeepAllocated { get; set; }

    /// <summary>WRITE_ZEROES: the device cannot, so zeroes are written.</summary>
    public bool WritesZeroes { get; set; }

    /// <summary>Where a plan of several steps stands; its meaning is the plan's.</summary>
    public int Stage { get; set; }

    /// <summary>How far a plan of several pieces has come, in bytes of the device.</summary>
    public long PositionBytes { get; set; }

    /// <summary>Where a plan of several pieces ends, in bytes of the device.</summary>
    public long EndBytes { get; set; }

    /// <summary>Bytes of one logical block of the device.</summary>
    public int BlockBytes => Connection.Device.LogicalBlockBytes;

    /// <summary>Bytes of the first block that lie before the client's range.</summary>
    public int HeadBytes => (int)(OffsetBytes - RangeStart.Bytes);

    /// <summary>Whether the client's range is whole blocks.</summary>
    public bool IsAligned => LengthBytes == RangeCount.Bytes;

    /// <summary>The scratch block.</summary>
    public Span<byte> Scratch => _scratch.Span;

    /// <summary>Rounds the client's range out.</summary>
    public void SetRange()
    {
        long mask = BlockBytes - 1;
        long first = OffsetBytes & ~mask;
        RangeStart = Sectors.FromBytes(first);
        RangeCount = Sectors.FromBytes(((OffsetBytes + LengthBytes + mask) & ~mask) - first);
    }

    /// <summary>Lays the client's bytes into the buffers, which together hold the range.</summary>
    public void SetPayload()
    {
        Whole = Vector;
        Payload = Whole.Slice(HeadBytes, LengthBytes);
    }

    public void SetScratch(IoSegment scratch) => _scratch = scratch;

    /// <summary>
    /// Sends the request's last or only operation to the device; the plan is told when it has completed.
    /// </summary>
    public void Submit(BlockOperation operation, Sectors start, Sectors count, IoVector data, BlockFlags flags)
    {
        Describe(operation, start, count, flags);
        Data = data;
        Connection.Device.Submit(this);
    }

    /// <summary>Sends an operation that others may follow; the plan is told when it has completed.</summary>
    public void SubmitStep(BlockOperation operation, Sectors start, Sectors count, IoVector data, BlockFlags flags)
    {
        Describe(operation, start, count, flags);
        SubmitStep(default, data);
    }

    /// <summary>Reads a block into <see cref="Scratch"/> or writes it from there, others may follow.</summary>
    public void SubmitBlock(BlockOperation operation, Sectors start) =>
        SubmitScratch(operation, start, Sectors.FromBytes(BlockBytes));

    /// <summary>The same where the scratch is not a block: as many sectors as it has.</summary>
    public void SubmitScratch(BlockOperation operation, Sectors start, Sectors count)
    {
        Describe(operation, start, count, BlockFlags.None);
        SubmitStep(_scratch, default);
    }

    /// <summary>A step has come back, with the scratch block if it used one.</summary>
    public void StepCompleted(EdgeStep step, Errno error, IoSegment scratch)
    {
        if (error != Errno.None)
            NoteFailure(step);
        if (scratch.LengthBytes > 0)
            _scratch = scratch;
        _step = null;
        _plan.Continue(this, error);
    }

    /// <summary>Nobody waits for the request any more.</summary>
    public void Abandon()
    {
        IsAbandoned = true;
        if (_step is not null)
            _step.IsAbandoned = true;
    }

    /// <summary>
    /// Asks for the turn on the rounded-out range; the plan is told, now or later, when it is granted.
    /// </summary>
    public void EnterTurn()
    {
        _turn ??= new EdgeTurn(this);
        if (Connection.Device.Turns.TryEnter(_turn, RangeStart, RangeCount))
            TurnGranted();
    }

    private void Describe(BlockOperation operation, Sectors start, Sectors count, BlockFlags flags)
    {
        Operation = operation;
        Start = start;
        Count = count;
        Flags = flags;
    }

    private void SubmitStep(IoSegment scratch, IoVector data)
    {
        _step = memory.RentStep();
        _step.Prepare(this, scratch, data);
        Connection.Device.Submit(_step);
    }

    private void TurnGranted()
    {
        _holdsTurn = true;
        HeldTurn = _turn;
        if (IsAbandoned)
            Finish(Errno.ECANCELED);
        else
            _plan.TurnGranted(this);
    }

    private void LeaveTurn()
    {
        if (!_holdsTurn)
            return;
        _holdsTurn = false;
        HeldTurn = null;
        Connection.Device.Turns.Leave(_turn!);
    }

    private void ReleaseEdge()
    {
        Stage = 0;
        if (_scratch.LengthBytes > 0)
            memory.Return(_scratch);
        _scratch = default;
    }

    private sealed class EdgeTurn(NbdRequest request) : Turn
    {
        protected override void Granted() => request.TurnGranted();
    }
}
