namespace DmIo.Mapper;

/// <summary>
/// <c>delay DEVICE OFFSET DELAY [WRITE_DEVICE OFFSET DELAY [FLUSH_DEVICE OFFSET DELAY]]</c>: a run of another device that
/// answers later.
/// </summary>
/// <param name="Reads">Where reads go; everything else too, where nothing else is said.</param>
/// <param name="Writes">Where goes what changes data, and flushes if nothing is said of them; null if not said.</param>
/// <param name="Flushes">Where flushes go; null if not said.</param>
public sealed record DelaySpec(DelayPlace Reads, DelayPlace? Writes = null, DelayPlace? Flushes = null) : TargetSpec
{
    /// <inheritdoc/>
    public override string Name => "delay";

    /// <inheritdoc/>
    /// <remarks>Kinds of requests may share a place; it is here once.</remarks>
    public override IReadOnlyList<DeviceArgument> Devices => [.. Places.Select(place => place.Leg).Distinct()];

    /// <summary>What was said, in the order of the table.</summary>
    public IEnumerable<DelayPlace> Places => new[] { Reads, Writes, Flushes }.OfType<DelayPlace>();
}
