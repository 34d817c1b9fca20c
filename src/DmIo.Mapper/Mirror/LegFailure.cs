namespace DmIo.Mapper;

/// <summary>What a leg failed last, in the state file for those who repair it.</summary>
/// <param name="Kind">The kind that decides the health letter.</param>
/// <param name="Operation">What was asked of the leg.</param>
/// <param name="Sector">First failing sector, on the leg's device.</param>
/// <param name="Errno">Why.</param>
/// <param name="At">When.</param>
internal sealed record LegFailure(
    LegErrors Kind, BlockOperation Operation, long Sector, Errno Errno, DateTimeOffset At);
