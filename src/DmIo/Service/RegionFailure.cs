namespace DmIo;

/// <summary>What the kernel throws away beside a region's error bit.</summary>
/// <param name="Operation">What failed.</param>
/// <param name="FirstFailingSector">The lowest sector of the device at which a piece failed.</param>
/// <param name="Errno">Why that piece failed.</param>
public readonly record struct RegionFailure(BlockOperation Operation, Sectors FirstFailingSector, Errno Errno);
