namespace DmIo.Mapper;

/// <summary><c>linear DEVICE OFFSET</c>: a run of another device.</summary>
/// <param name="Leg">The device and the first sector there.</param>
public sealed record LinearSpec(DeviceArgument Leg) : TargetSpec
{
    /// <inheritdoc/>
    public override string Name => "linear";

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceArgument> Devices => [Leg];
}
