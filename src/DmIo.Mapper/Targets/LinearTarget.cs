namespace DmIo.Mapper;

/// <summary>A run of another device.</summary>
internal sealed class LinearTarget(MappedDevice host, TableLine line, TargetLeg leg) : Target(host, line)
{
    private Forward? _free;

    public override IReadOnlyList<TargetLeg> Legs => [leg];

    public override Sectors DiscardLimit => leg.Device.DiscardLimit;

    public override Sectors WriteZeroesLimit => leg.Device.WriteZeroesLimit;

    public override string TableWords => $"{leg.Shown} {leg.Offset}";

    public override void Map(BlockRequest request)
    {
        Forward forward = _free ?? new Forward(this);
        _free = forward.NextFree;
        forward.Original = request;
        forward.Operation = request.Operation;
        forward.Flags = request.Flags;
        forward.Start = request.Operation == BlockOperation.Flush ? Sectors.Zero : request.Start + leg.Offset;
        forward.Count = request.Count;
        forward.Data = request.Data;
        leg.Device.Submit(forward);
    }

    public override async ValueTask StopAsync()
    {
        if (leg.Device.IsReadOnly)
            return;
        var flush = new AwaitedRequest { Operation = BlockOperation.Flush };
        leg.Device.Submit(flush);
        if (await flush.Task is not Errno.None and var errno)
            throw new IOException($"{Host.Name}: {leg.Argument} could not be flushed: {errno}");
    }

    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken) =>
        Shift(await leg.Device.ReadExtentsAsync(start + leg.Offset, count, cancellationToken), leg.Offset);

    private sealed class Forward(LinearTarget target) : BlockRequest
    {
        public BlockRequest? Original { get; set; }

        public Forward? NextFree { get; private set; }

        public override bool TakesOtherMemory => Original!.TakesOtherMemory;

        protected override void Completed()
        {
            BlockRequest original = Original!;
            Sectors failedAt = Error == Errno.None ? Sectors.Zero : FailedAt - (Start - original.Start);
            PassAnswerTo(original);
            if (!PassHoldTo(original))
                Unheld();
            original.Complete(target.Loop, Error, failedAt);
        }

        protected override void Unheld()
        {
            Original = null;
            Data = default;
            NextFree = target._free;
            target._free = this;
        }
    }
}
