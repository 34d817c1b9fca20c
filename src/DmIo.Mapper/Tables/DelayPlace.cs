namespace DmIo.Mapper;

/// <summary>Where a delay target sends a kind of requests, and how much later.</summary>
/// <param name="Leg">The device and the first sector there.</param>
/// <param name="DelayMs">Milliseconds that each request waits.</param>
public sealed record DelayPlace(DeviceArgument Leg, uint DelayMs);
