namespace DmIo.Mapper;

/// <summary>A target that passes requests on to devices beneath, with request objects of its own.</summary>
internal abstract class LegTarget(MappedDevice host, TableLine line, IReadOnlyList<TargetLeg> legs) : Target(host, line)
{
    private Forward? _free;

    public override IReadOnlyList<TargetLeg> Legs => legs;

    public override Sectors DiscardLimit => legs.Select(leg => leg.Device.DiscardLimit).Min();

    /// <summary>Whether a read may be answered from the memory of a device beneath.</summary>
    protected virtual bool PassesAnswers => true;

    public override async ValueTask StopAsync()
    {
        foreach (TargetLeg leg in legs)
            await FlushAsync(leg);
    }

    /// <summary>Makes a device durable before the stop.</summary>
    protected async ValueTask FlushAsync(TargetLeg leg)
    {
        if (leg.Device.IsReadOnly)
            return;
        var flush = new AwaitedRequest { Operation = BlockOperation.Flush };
        leg.Device.Submit(flush);
        if (await flush.Task is not Errno.None and var errno)
            throw new IOException($"{Host.Name}: {leg.Argument} could not be flushed: {errno}");
    }

    /// <summary>Passes all of a request on to a device.</summary>
    protected void Pass(BlockRequest request, TargetLeg leg) =>
        Pass(request, leg, request.Start + leg.Offset, request.Data, null);

    /// <summary>Passes all of a request on.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="leg">Where it goes.</param>
    /// <param name="start">Its first sector there; a flush has none.</param>
    /// <param name="data">The memory, the request's own or a copy.</param>
    /// <param name="context">What <see cref="Returned"/> and <see cref="Released"/> shall know it by.</param>
    protected void Pass(BlockRequest request, TargetLeg leg, Sectors start, IoVector data, object? context)
    {
        Forward forward = _free ?? new Forward(this);
        _free = forward.NextFree;
        forward.Original = request;
        forward.Leg = leg;
        forward.Context = context;
        forward.Operation = request.Operation;
        forward.Flags = request.Flags;
        forward.Start = request.Operation == BlockOperation.Flush ? Sectors.Zero : start;
        forward.Count = request.Count;
        forward.Data = data;
        leg.Device.Submit(forward);
    }

    /// <summary>A request that was passed on has come back, and its maker has not been told yet.</summary>
    protected virtual void Returned(BlockRequest request, TargetLeg leg, Errno error, object? context)
    {
    }

    /// <summary>Nothing beneath uses the memory of a request any more that was passed on with a context.</summary>
    protected virtual void Released(object context)
    {
    }

    private sealed class Forward(LegTarget target) : BlockRequest
    {
        public BlockRequest? Original { get; set; }

        public TargetLeg? Leg { get; set; }

        public object? Context { get; set; }

        public Forward? NextFree { get; private set; }

        public override bool TakesOtherMemory => target.PassesAnswers && Original!.TakesOtherMemory;

        protected override void Completed()
        {
            BlockRequest original = Original!;
            Errno error = Error;
            Sectors failedAt = error == Errno.None ? Sectors.Zero : FailedAt - (Start - original.Start);
            target.Returned(original, Leg!, error, Context);
            PassAnswerTo(original);
            if (!PassHoldTo(original))
                Unheld();
            original.Complete(target.Loop, error, failedAt, Failure);
        }

        protected override void Unheld()
        {
            if (Context is not null)
                target.Released(Context);
            Original = null;
            Leg = null;
            Context = null;
            Data = default;
            NextFree = target._free;
            target._free = this;
        }
    }
}
