using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace DmIo.Mapper;

/// <summary>
/// The kernel's dirty log as it lies on its device (dm-semantics C.1, H.1): a header, and from byte 1024 on a bit for
/// each region, 1 where it is clean. In memory, nothing else: whoever has it reads <see cref="Bytes"/> from the device,
/// activates, and writes the blocks that changed. What is neither header nor bitmap is kept as it was found.
/// </summary>
internal sealed partial class LogImage
{
    /// <summary>"rRiM" on disk.</summary>
    public const uint Magic = 0x4D695272;

    /// <summary>The version that the kernel writes.</summary>
    public const uint CurrentVersion = 2;

    /// <summary>The older version: the same layout on little-endian hosts, taken and rewritten by the kernel.</summary>
    public const uint OldVersion = 1;

    /// <summary>The number of regions in a log that lvm has made: as many as there are, in the state of their bits.
    /// </summary>
    public const ulong AnyRegions = ulong.MaxValue;

    /// <summary>The most regions that the kernel counts.</summary>
    public const long MaxRegions = uint.MaxValue;

    private const int VersionOffset = 4;
    private const int RegionsOffset = 8;
    private const int BitmapOffset = 1024;

    private readonly ChangedBlocks _changed;
    private readonly int _blockBytes;
    private readonly int _bitmapBytes;

    /// <summary>Makes an image of all zeroes: no header, every region dirty.</summary>
    /// <param name="regions">How many regions the table gives.</param>
    /// <param name="blockBytes">
    /// The unit in which changes are noted and the buffer is rounded: the log device's logical block size.
    /// </param>
    public LogImage(long regions, int blockBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(regions, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(regions, MaxRegions);
        if (blockBytes < Sectors.SizeBytes || !BitOperations.IsPow2(blockBytes))
            throw new ArgumentOutOfRangeException(nameof(blockBytes), blockBytes, "No size of a device's blocks.");
        Regions = regions;
        _blockBytes = blockBytes;
        _bitmapBytes = BitmapBytes(regions);
        Bytes = new byte[BufferBytes(regions, blockBytes)];
        _changed = new ChangedBlocks(Bytes.Length / blockBytes);
    }

    /// <summary>How many regions the mirror has, whatever the header says.</summary>
    public long Regions { get; }

    /// <summary>
    /// Exactly what is on the device from its byte 0 on. Read it in before <see cref="Activate"/>; change nothing here.
    /// </summary>
    public byte[] Bytes { get; }

    /// <summary>How many regions are clean. After reading the bytes it is right from <see cref="Activate"/> on.</summary>
    public long CleanCount { get; private set; }

    /// <summary>Whether the bytes begin as a log does.</summary>
    public bool HasMagic => BinaryPrimitives.ReadUInt32LittleEndian(Bytes) == Magic;

    /// <summary>The header's version.</summary>
    public uint Version
    {
        get => BinaryPrimitives.ReadUInt32LittleEndian(Bytes.AsSpan(VersionOffset));
        set
        {
            if (value == Version)
                return;
            BinaryPrimitives.WriteUInt32LittleEndian(Bytes.AsSpan(VersionOffset), value);
            NoteByte(VersionOffset);
        }
    }

    /// <summary>The header's number of regions; <see cref="AnyRegions"/> in a log that lvm has made.</summary>
    public ulong RecordedRegions
    {
        get => BinaryPrimitives.ReadUInt64LittleEndian(Bytes.AsSpan(RegionsOffset));
        set
        {
            if (value == RecordedRegions)
                return;
            BinaryPrimitives.WriteUInt64LittleEndian(Bytes.AsSpan(RegionsOffset), value);
            NoteByte(RegionsOffset);
        }
    }

    /// <summary>How long a log device must be at least, which is also how much of it is read and written.</summary>
    public static long BufferBytes(long regions, int blockBytes) =>
        (BitmapOffset + BitmapBytes(regions) + blockBytes - 1L) / blockBytes * blockBytes;

    /// <summary>Whether the legs are identical in a region.</summary>
    public bool IsClean(long region)
    {
        CheckRegion(region);
        return (Bytes[ByteOf(region)] & MaskOf(region)) != 0;
    }

    /// <returns>False when it was clean already.</returns>
    public bool SetClean(long region)
    {
        if (IsClean(region))
            return false;
        Flip(region);
        CleanCount++;
        return true;
    }

    /// <returns>False when it was dirty already.</returns>
    public bool SetDirty(long region)
    {
        if (!IsClean(region))
            return false;
        Flip(region);
        CleanCount--;
        return true;
    }

    /// <summary>
    /// The first dirty region that is not before <paramref name="region"/>; -1 when there is none.
    /// </summary>
    public long NextDirty(long region)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(region);
        for (; region < Regions && (region & 7) != 0; region++)
        {
            if (!IsClean(region))
                return region;
        }
        if (region >= Regions)
            return -1;
        int from = ByteOf(region);
        int dirty = Bytes.AsSpan(from, BitmapOffset + _bitmapBytes - from).IndexOfAnyExcept(byte.MaxValue);
        if (dirty < 0)
            return -1;
        region = (from + dirty - BitmapOffset) * 8L + BitOperations.TrailingZeroCount(~(uint)Bytes[from + dirty]);
        return region < Regions ? region : -1;
    }

    /// <summary>
    /// Puts the runs of neighbouring changed blocks, in order, in place of what <paramref name="runs"/> held, and
    /// forgets them. When all that was taken has been written, the device holds <see cref="Bytes"/>.
    /// </summary>
    /// <returns>Whether there were any.</returns>
    public bool TryTakeChangedBlocks(List<(int FirstBlock, int Count)> runs) => _changed.TryTake(runs);

    /// <summary>Notes blocks as changed, because writing them failed or because the bytes were never read.</summary>
    public void NoteChanged(int firstBlock, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstBlock);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBlock, Bytes.Length / _blockBytes - count);
        _changed.Add(firstBlock, count);
    }

    // Whole 64-bit words, as the kernel has them on 64-bit hosts.
    private static int BitmapBytes(long regions) => (int)((regions + 63) / 64 * 8);

    private static int ByteOf(long region) => BitmapOffset + (int)(region >> 3);

    private static byte MaskOf(long region) => (byte)(1 << (int)(region & 7));

    private void CheckRegion(long region) =>
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)region, (ulong)Regions, nameof(region));

    private void Flip(long region)
    {
        int index = ByteOf(region);
        Bytes[index] ^= MaskOf(region);
        NoteByte(index);
    }

    private void NoteByte(int index) => _changed.Add(index / _blockBytes);

    private void Recount()
    {
        long count = 0;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(Bytes.AsSpan(BitmapOffset, _bitmapBytes)))
            count += BitOperations.PopCount(word);
        CleanCount = count;
    }
}
