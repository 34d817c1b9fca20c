namespace DmIo.Mapper;

/// <summary>What a leg failed last.</summary>
/// <param name="Operation">What it was asked.</param>
/// <param name="Sector">First failing sector, on the leg's device.</param>
/// <param name="Errno">Why.</param>
/// <param name="At">When.</param>
public sealed record LegTrouble(BlockOperation Operation, long Sector, Errno Errno, DateTimeOffset At);
