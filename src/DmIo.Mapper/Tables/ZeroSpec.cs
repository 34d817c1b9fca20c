namespace DmIo.Mapper;

/// <summary><c>zero</c>: reads as zeroes, and drops what is written.</summary>
public sealed record ZeroSpec : TargetSpec
{
    /// <inheritdoc/>
    public override string Name => "zero";

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceArgument> Devices => [];
}
