namespace DmIo.Nbd.Transmission;

/// <summary>
/// An operation of a plan that has others after it. It is an object apart from its request, so that the request goes on
/// although a device holds the operation: the step then stays behind with its scratch block until that is let go. Pooled
/// by the loop.
/// </summary>
internal sealed class EdgeStep(LoopMemory memory) : BlockRequest
{
    private readonly IoSegment[] _scratch = new IoSegment[1];
    private NbdRequest? _owner;

    public override bool TakesOtherMemory => true;

    /// <summary>Describes the operation; <paramref name="scratch"/> is its data where it has a length.</summary>
    public void Prepare(NbdRequest owner, IoSegment scratch, IoVector data)
    {
        _owner = owner;
        _scratch[0] = scratch;
        Operation = owner.Operation;
        Start = owner.Start;
        Count = owner.Count;
        Flags = owner.Flags;
        HeldTurn = owner.HeldTurn;
        IsAbandoned = owner.IsAbandoned;
        Data = scratch.LengthBytes > 0 ? new IoVector(_scratch, 1) : data;
    }

    protected override void Completed()
    {
        NbdRequest owner = _owner!;
        Errno error = Error;
        bool isHeld = IsHeld;
        IoSegment scratch = _scratch[0];
        bool hasScratch = scratch.LengthBytes > 0;
        if (isHeld)
        {
            // The request goes on with a fresh block; this one is left to the device.
            memory.Parked();
            if (hasScratch)
                scratch = memory.Exchange(scratch);
        }
        if (hasScratch && Operation == BlockOperation.Read && (isHeld || HasOtherAnswer))
            AnsweredData.CopyTo(scratch.Span);
        ReleaseAnswer();
        owner.StepCompleted(this, error, scratch);
        if (!isHeld)
            memory.Return(this);
    }

    protected override void Unheld()
    {
        if (_scratch[0].LengthBytes > 0)
            memory.ReturnPinned(_scratch[0]);
        memory.Return(this);
        memory.Unparked();
    }
}
