namespace DmIo.Mapper;

/// <summary><c>striped N CHUNK (DEVICE OFFSET)...</c>: chunks go to N devices in turn.</summary>
/// <param name="Legs">The devices in the order of their chunks.</param>
/// <param name="ChunkSize">Sectors in a chunk.</param>
public sealed record StripedSpec(IReadOnlyList<DeviceArgument> Legs, Sectors ChunkSize) : TargetSpec
{
    /// <inheritdoc/>
    public override string Name => "striped";

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceArgument> Devices => Legs;

    /// <inheritdoc/>
    public override Sectors LengthOnDevice(Sectors length) => new(length.Count / Legs.Count);

    internal override string? CheckBlocks(int logicalBlockBytes) =>
        ChunkSize.Bytes % logicalBlockBytes != 0 ? $"a chunk size of {ChunkSize} sectors" : null;
}
