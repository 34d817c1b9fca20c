namespace DmIo;

/// <summary>What is refused before anything is issued (dm-semantics A.2 rules 1 and 2, A.4).</summary>
internal static class IoRequestRules
{
    public static Errno Check(IoRequest request, IoLoop loop)
    {
        ReadOnlySpan<IoRegion> regions = request.Regions;
        if (regions.Length > IoRegion.MaxRegions || regions.IsEmpty)
            return Errno.EINVAL;
        if (regions.Length > 1 && request.Operation == BlockOperation.Read)
            return Errno.EIO;
        if (request.Operation is < BlockOperation.Read or > BlockOperation.WriteZeroes)
            return Errno.EINVAL;
        if (request.Memory.Kind is IoMemoryKind.Unknown or > IoMemoryKind.Contiguous)
            return Errno.EINVAL;
        Sectors longest = Sectors.Zero;
        int blockBytes = Sectors.SizeBytes;
        foreach (IoRegion region in regions)
        {
            if (region.Device is null || region.Device.Loop != loop || region.Count < Sectors.Zero)
                return Errno.EINVAL;
            longest = Sectors.Max(longest, region.Count);
            blockBytes = Math.Max(blockBytes, region.Device.LogicalBlockBytes);
        }
        bool hasPayload = request.Operation is BlockOperation.Read or BlockOperation.Write && longest > Sectors.Zero;
        return hasPayload ? CheckMemory(request.Memory, longest, blockBytes) : Errno.None;
    }

    private static Errno CheckMemory(in IoMemory memory, Sectors longest, int blockBytes)
    {
        long available = 0;
        if (memory.Kind == IoMemoryKind.Contiguous)
        {
            available = memory.Buffer.LengthBytes;
            if (available % blockBytes != 0)
                return Errno.EINVAL;
        }
        else if (memory.Kind == IoMemoryKind.PageList)
        {
            if (memory.OffsetBytes < 0 || memory.OffsetBytes >= PageList.PageBytes || memory.OffsetBytes % blockBytes != 0)
                return Errno.EINVAL;
            available -= memory.OffsetBytes;
            for (PageList? page = memory.Pages; page is not null && available < longest.Bytes; page = page.Next)
                available += PageList.PageBytes;
        }
        else
        {
            foreach (IoSegment segment in memory.Vector)
            {
                if (segment.LengthBytes % blockBytes != 0)
                    return Errno.EINVAL;
            }
            available = memory.Vector.LengthBytes;
        }
        return available < longest.Bytes ? Errno.EINVAL : Errno.None;
    }
}
