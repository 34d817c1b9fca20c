namespace DmIo.Mapper;

/// <summary><c>error</c>: everything fails with EIO.</summary>
public sealed record ErrorSpec : TargetSpec
{
    /// <inheritdoc/>
    public override string Name => "error";

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceArgument> Devices => [];
}
