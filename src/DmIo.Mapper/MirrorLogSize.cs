namespace DmIo.Mapper;

/// <summary>How long a mirror's log device is.</summary>
public static class MirrorLogSize
{
    /// <summary>Bytes of a log device that has room for the kernel's log and for the record behind it.</summary>
    /// <param name="length">The mirror's length.</param>
    /// <param name="regionSize">Its region size.</param>
    /// <param name="logicalBlockBytes">The log device's block size.</param>
    public static long BytesFor(Sectors length, Sectors regionSize, int logicalBlockBytes)
    {
        long regions = LegSet.CountRegions(length, regionSize);
        return RecordArea.OffsetBehind(LogImage.BufferBytes(regions, logicalBlockBytes)) + RecordArea.SizeOf(regions);
    }

    /// <summary>
    /// Bytes of the shortest log device that is taken: the kernel's log. The record then lies in a file beside the state
    /// file.
    /// </summary>
    /// <inheritdoc cref="BytesFor"/>
    public static long LeastBytesFor(Sectors length, Sectors regionSize, int logicalBlockBytes) =>
        LogImage.BufferBytes(LegSet.CountRegions(length, regionSize), logicalBlockBytes);
}
