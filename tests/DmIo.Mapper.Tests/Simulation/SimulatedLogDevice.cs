namespace DmIo.Mapper.Tests;

/// <summary>A small simulated disk for a dirty log: the same hardware with the same faults.</summary>
internal static class SimulatedLogDevice
{
    // A header block and room for bitmaps, in blocks of either size. Arbitrary.
    private const int Blocks = 64;

    /// <summary>Makes one with blocks of 512 or 4096 bytes.</summary>
    public static SimulatedMedia Create(
        Random random, string name, int blockBytes = Sectors.SizeBytes, DiskCoverage? coverage = null) =>
        new(random, name, Sectors.FromBytes(Blocks * blockBytes), blockBytes, coverage)
        {
            DiscardLimit = Sectors.Zero,
            WriteZeroesLimit = Sectors.Zero,
        };
}
