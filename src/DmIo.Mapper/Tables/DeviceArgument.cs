namespace DmIo.Mapper;

/// <summary>A device and an offset, as a table names them.</summary>
/// <param name="Device">A path, or <c>dm:NAME</c>.</param>
/// <param name="Offset">Where the target's first sector lies on the device.</param>
public sealed record DeviceArgument(string Device, Sectors Offset);
