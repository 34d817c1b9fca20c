namespace DmIo;

/// <summary>
/// A dm-io request: what to do, with which memory, on which regions (dm-semantics A.1). Pooled by its maker; from
/// <see cref="IoClient.Submit"/> until <see cref="Notify"/> it belongs to the client; if it has <see cref="PinnedBits"/>
/// then, until those have landed.
/// </summary>
public abstract partial class IoRequest : LoopWork
{
    private readonly IoRegion[] _regions = new IoRegion[4];
    private IoRegion[]? _manyRegions;

    /// <summary>Read from one region, or write, flush, discard, write zeroes on one or many.</summary>
    public BlockOperation Operation { get; set; }

    /// <summary>Flush and FUA go to every piece of every region.</summary>
    public BlockFlags Flags { get; set; }

    /// <summary>The data buffer: the same prefix of it goes to every region.</summary>
    public IoMemory Memory { get; set; }

    /// <summary>The regions, in the order of the error bits.</summary>
    public ReadOnlySpan<IoRegion> Regions => (_manyRegions ?? _regions).AsSpan(0, RegionCount);

    /// <summary>How many regions.</summary>
    public int RegionCount { get; private set; }

    // Set while the request belongs to a client.
    internal IoClient? Client { get; set; }

    // Whether the request shall not be issued, if it has not been yet. Asked on the loop.
    internal virtual bool IsCancelled => false;

    /// <summary>Copies the regions; the caller's span is free afterwards.</summary>
    public void SetRegions(ReadOnlySpan<IoRegion> regions)
    {
        if (regions.Length > _regions.Length && (_manyRegions is null || _manyRegions.Length < regions.Length))
            _manyRegions = new IoRegion[regions.Length];
        RegionCount = regions.Length;
        regions.CopyTo(_manyRegions ?? _regions);
    }

    /// <summary>
    /// Runs on the client's loop, exactly once per accepted submission. The client's resources are free again before
    /// this runs, so it may submit the next request at once.
    /// </summary>
    protected internal abstract void Notify(in IoOutcome outcome);

    /// <summary>Runs on the loop instead of <see cref="Notify"/> when a cancelled request was taken out of the queue.</summary>
    internal virtual void NotIssued() => throw new InvalidOperationException("Only some requests can be cancelled.");

    /// <inheritdoc/>
    protected internal sealed override void Run() => Client!.Arrived(this);
}
