namespace DmIo;

/// <summary>One of several devices beneath that failed what was asked of a device over them.</summary>
/// <param name="Index">Which of them, counted from 0: its error bit.</param>
/// <param name="Device">The word by which people know it.</param>
/// <param name="Failure">What it failed first, the sector being its own.</param>
public readonly record struct FailedPart(int Index, string Device, RegionFailure Failure);
