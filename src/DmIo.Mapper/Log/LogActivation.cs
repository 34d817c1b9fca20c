namespace DmIo.Mapper;

/// <summary>What activating a log did, and what had been recorded before.</summary>
/// <param name="Kind">What was done.</param>
/// <param name="FoundVersion">The version that was found; it means nothing in a new log.</param>
/// <param name="FoundRegions">The number of regions that was found; it means nothing in a new log.</param>
internal readonly record struct LogActivation(LogActivationKind Kind, uint FoundVersion, ulong FoundRegions);
