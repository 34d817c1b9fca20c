namespace DmIo.Mapper;

/// <summary>
/// <c>flakey DEVICE OFFSET UP DOWN [COUNT FEATURE...]</c>: a run of another device that is sound for a while and then
/// is not, in turn.
/// </summary>
/// <param name="Leg">The device and the first sector there.</param>
/// <param name="UpSeconds">How long it is sound, from the start on.</param>
/// <param name="DownSeconds">How long it is not.</param>
/// <param name="Features">What is wrong then.</param>
public sealed record FlakeySpec(DeviceArgument Leg, uint UpSeconds, uint DownSeconds, FlakeyFeatures Features) : TargetSpec
{
    /// <inheritdoc/>
    public override string Name => "flakey";

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceArgument> Devices => [Leg];
}
