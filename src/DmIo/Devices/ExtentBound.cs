namespace DmIo;

/// <summary>How many extents <see cref="BlockDevice.ReadExtentsAsync"/> tells at once, whatever a range is like.</summary>
public static class ExtentBound
{
    /// <summary>
    /// The most extents of one answer. 2048: 48 KiB, less than the collector keeps apart as large; asking again costs
    /// nothing beside finding them.
    /// </summary>
    public const int Most = 2048;

    /// <summary>
    /// Whether an answer is long enough. If so, and there is more to tell up to <paramref name="end"/>, its last extent
    /// becomes the rest, as data.
    /// </summary>
    public static bool IsReached(List<BlockExtent> extents, Sectors end)
    {
        ArgumentNullException.ThrowIfNull(extents);
        if (extents.Count < Most)
            return false;
        if (extents.Count == Most && extents[^1].End >= end)
            return true;
        extents.RemoveRange(Most - 1, extents.Count - (Most - 1));
        Sectors from = extents[^1].End;
        extents.Add(new BlockExtent(from, end - from, ExtentKind.Data));
        return true;
    }
}
