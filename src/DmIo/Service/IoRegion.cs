namespace DmIo;

/// <summary>A range of a block device: where dm-io reads from or writes to (dm-io.txt, <c>struct io_region</c>).</summary>
/// <param name="Device">The block device.</param>
/// <param name="Sector">First sector.</param>
/// <param name="Count">Length in sectors; a region of zero sectors is skipped.</param>
public readonly record struct IoRegion(BlockDevice Device, Sectors Sector, Sectors Count)
{
    /// <summary>The most regions in one request: the bits of the error bitset.</summary>
    public const int MaxRegions = 64;
}
