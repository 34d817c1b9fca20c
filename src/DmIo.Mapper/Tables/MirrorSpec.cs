namespace DmIo.Mapper;

/// <summary>
/// <c>mirror core 1|2 REGION_SIZE [sync|nosync] N (DEVICE OFFSET)... [M FEATURE...]</c>, or with <c>disk 2|3
/// LOG_DEVICE REGION_SIZE [sync|nosync]</c> in front: the same sectors on N legs.
/// </summary>
/// <param name="Legs">The legs in the order of the error bits.</param>
/// <param name="RegionSize">Sectors in a region, the unit in which being in sync is counted: a power of two.</param>
/// <param name="Sync">What the table says of the legs' being in sync.</param>
/// <param name="Features">What the table asks for.</param>
/// <param name="LogDevice">The device that holds the dirty log and nothing else; null for a core log.</param>
public sealed record MirrorSpec(
    IReadOnlyList<DeviceArgument> Legs, Sectors RegionSize, MirrorSync Sync, MirrorFeatures Features,
    string? LogDevice = null) : TargetSpec
{
    /// <summary>The fewest legs, as in the kernel.</summary>
    public const int MinLegs = 2;

    /// <summary>The most legs, as in the kernel: its copier has one source and eight destinations.</summary>
    public const int MaxLegs = 9;

    /// <inheritdoc/>
    public override string Name => "mirror";

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceArgument> Devices => Legs;

    /// <inheritdoc/>
    public override IEnumerable<string> OtherDevices => LogDevice is null ? [] : [LogDevice];

    internal override string OtherLookupFailure => "Error creating mirror dirty log: Device lookup failure";

    // Recovery copies regions one by one.
    internal override string? CheckBlocks(int logicalBlockBytes) =>
        RegionSize.Bytes < logicalBlockBytes ? $"a region size of {RegionSize} sectors" : null;
}
