namespace DmIo;

/// <summary>Gives a device that does not order changes itself (a file, memory) the order that an export asks for.</summary>
public sealed class PassThroughDevice : OrderedDevice
{
    private readonly BlockDevice _inner;
    private Forward? _free;

    /// <summary>Passes everything on to <paramref name="inner"/>, which it then owns.</summary>
    public PassThroughDevice(BlockDevice inner)
        : base(inner?.Loop ?? throw new ArgumentNullException(nameof(inner))) => _inner = inner;

    /// <inheritdoc/>
    public override string Name => _inner.Name;

    /// <inheritdoc/>
    public override Sectors Length => _inner.Length;

    /// <inheritdoc/>
    public override int LogicalBlockBytes => _inner.LogicalBlockBytes;

    /// <inheritdoc/>
    public override int MemoryAlignmentBytes => _inner.MemoryAlignmentBytes;

    /// <inheritdoc/>
    public override bool IsReadOnly => _inner.IsReadOnly;

    /// <inheritdoc/>
    public override Sectors DiscardLimit => _inner.DiscardLimit;

    /// <inheritdoc/>
    public override Sectors WriteZeroesLimit => _inner.WriteZeroesLimit;

    /// <inheritdoc/>
    public override bool CanZeroFast => _inner.CanZeroFast;

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken = default) =>
        _inner.ReadExtentsAsync(start, count, cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override void Start(BlockRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        Forward forward = _free ?? new Forward(this);
        _free = forward.NextFree;
        forward.Original = request;
        forward.Operation = request.Operation;
        forward.Flags = request.Flags;
        forward.Start = request.Start;
        forward.Count = request.Count;
        forward.Data = request.Data;
        _inner.Submit(forward);
    }

    private sealed class Forward(PassThroughDevice device) : BlockRequest
    {
        public BlockRequest? Original { get; set; }

        public Forward? NextFree { get; private set; }

        public override bool TakesOtherMemory => Original!.TakesOtherMemory;

        protected override void Completed()
        {
            BlockRequest original = Original!;
            Original = null;
            PassAnswerTo(original);
            if (!PassHoldTo(original))
                Unheld();
            original.Complete(device.Loop, Error, FailedAt, Failure);
        }

        protected override void Unheld()
        {
            NextFree = device._free;
            device._free = this;
        }
    }
}
