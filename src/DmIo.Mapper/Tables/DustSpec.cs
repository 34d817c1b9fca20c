namespace DmIo.Mapper;

/// <summary><c>dust DEVICE OFFSET BLOCK_SIZE</c>: a run of another device with bad blocks, which messages make.</summary>
/// <param name="Leg">The device and the first sector there.</param>
/// <param name="BlockBytes">Bytes in a block: a power of two.</param>
public sealed record DustSpec(DeviceArgument Leg, int BlockBytes) : TargetSpec
{
    /// <summary>The smallest block.</summary>
    public const int MinBlockBytes = Sectors.SizeBytes;

    /// <summary>The largest block, as in the kernel.</summary>
    public const int MaxBlockBytes = 1 << 30;

    /// <inheritdoc/>
    public override string Name => "dust";

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceArgument> Devices => [Leg];

    internal override string? CheckBlocks(int logicalBlockBytes) =>
        BlockBytes < logicalBlockBytes ? $"a block size of {BlockBytes} bytes" : null;
}
