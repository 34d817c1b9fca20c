namespace DmIo.Mapper;

/// <summary><c>log-writes DEVICE LOG_DEVICE</c>: another device, with a log of what was done to it.</summary>
/// <param name="Device">The device that holds the data, from its first sector on.</param>
/// <param name="LogDevice">The device that holds the log and nothing else.</param>
public sealed record LogWritesSpec(string Device, string LogDevice) : TargetSpec
{
    /// <inheritdoc/>
    public override string Name => "log-writes";

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceArgument> Devices => [new DeviceArgument(Device, Sectors.Zero)];

    /// <inheritdoc/>
    public override IEnumerable<string> OtherDevices => [LogDevice];

    internal override string OtherLookupFailure => "Log device lookup failed";
}
