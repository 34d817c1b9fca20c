namespace DmIo.Mapper;

/// <summary>
/// What serves one line of a table. Requests come with start sectors relative to the line, checked and in their turn,
/// and lie wholly inside it.
/// </summary>
internal abstract class Target(MappedDevice host, TableLine line) : IAsyncDisposable
{
    /// <summary>The device of which the line is a part.</summary>
    protected MappedDevice Host => host;

    /// <summary>The device's loop.</summary>
    public IoLoop Loop => host.Loop;

    public TableLine Line => line;

    public Sectors Begin => line.Start;

    public Sectors Length => line.Length;

    /// <summary>The devices beneath.</summary>
    public abstract IReadOnlyList<TargetLeg> Legs { get; }

    public virtual Sectors DiscardLimit => Sectors.Zero;

    public virtual Sectors WriteZeroesLimit => Sectors.Zero;

    /// <inheritdoc cref="BlockDevice.CanZeroFast"/>
    public virtual bool CanZeroFast => false;

    /// <summary>The words behind the target's name in a table line.</summary>
    public virtual string TableWords => "";

    /// <summary>The words behind the target's name in a status line.</summary>
    public virtual string StatusWords => "";

    /// <summary>Does a request; a flush makes durable what this line has acknowledged.</summary>
    public abstract void Map(BlockRequest request);

    /// <summary>
    /// Does what people ask of the target with <c>dmsetup message</c>; the words are one at least.
    /// </summary>
    /// <returns>What is printed for it.</returns>
    /// <exception cref="MapperException">It was not understood, or could not be done.</exception>
    public virtual ValueTask<string> MessageAsync(IReadOnlyList<string> words) => throw new MapperException(
        $"{Host.Name}: Target type does not support messages: {Line.Target.Name} at sector {Begin} takes none");

    /// <summary>Gets ready to serve.</summary>
    public virtual ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>
    /// Ends what the target does of its own accord, while requests still come: they are held back after it.
    /// </summary>
    public virtual ValueTask PresuspendAsync() => ValueTask.CompletedTask;

    /// <summary>Takes up again what <see cref="PresuspendAsync"/> has ended; requests come again.</summary>
    public virtual void Resume()
    {
    }

    /// <summary>
    /// Devices beneath that were asked something that hangs and may still land: they cannot be used by another target
    /// before it has.
    /// </summary>
    public virtual IEnumerable<TargetLeg> HungLegs => [];

    /// <summary>
    /// Whether a device beneath may not hold what it is read to hold, and nothing durable says so: the next target over it
    /// has to be told.
    /// </summary>
    public virtual bool HasUnwritten => false;

    /// <summary>What the next target over the same devices has to know, recorded or not.</summary>
    public virtual IEnumerable<CarriedLeg> Carried => [];

    /// <summary>
    /// What it has become since it was made, by messages or in the course of time, as far as no record says it; read when
    /// it is stopped.
    /// </summary>
    public virtual object? State => null;

    /// <summary>Goes on, before it is started, where another target of the same line has ended.</summary>
    public virtual void TakeState(object state)
    {
    }

    /// <summary>Finishes what is in flight and makes everything durable; nothing is mapped afterwards.</summary>
    public virtual ValueTask StopAsync() => ValueTask.CompletedTask;

    public virtual ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken) =>
        new([new BlockExtent(start, count, ExtentKind.Data)]);

    /// <inheritdoc cref="IRegionStates.ReadRegions"/>
    public virtual void ReadRegions(
        RegionQuestion question, Sectors start, Sectors count, int most, IList<RegionLegs> runs) =>
        runs.Add(new RegionLegs(start, count, 0));

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Moves extents of a device to where they lie on the target.</summary>
    protected static IReadOnlyList<BlockExtent> Shift(IReadOnlyList<BlockExtent> extents, Sectors offset)
    {
        if (offset == Sectors.Zero)
            return extents;
        return [.. extents.Select(extent => extent with { Start = extent.Start - offset })];
    }
}
