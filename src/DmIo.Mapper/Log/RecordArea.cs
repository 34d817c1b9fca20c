using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace DmIo.Mapper;

/// <summary>
/// Where the record's bitmaps lie: a description for people, then one bitmap per slot of the anchor, of the regions that
/// its leg lacks, and one of those given up. Only blocks with changes are written. A bitmap's bits need no order among
/// themselves: one that was set and is not durable yet is waited for by whoever depends on it.
/// </summary>
internal sealed class RecordArea(LegSet legs, LogWriter writer, long offsetBytes, int blockBytes)
{
    /// <summary>The description and what makes bitmaps begin at a page.</summary>
    public const int DescriptionBytes = 16 << 10;

    private const int GivenUpSlot = MirrorSpec.MaxLegs;
    private const int Bitmaps = MirrorSpec.MaxLegs + 1;
    private const int DescriptionHeader = 16;

    private readonly ChangedBlocks[] _changed =
        [.. Enumerable.Range(0, Bitmaps).Select(_ => new ChangedBlocks((int)(StrideOf(legs.Regions) / blockBytes)))];
    private readonly List<(int FirstBlock, int Count)> _runs = [];
    private readonly Leg?[] _legOfSlot = new Leg?[MirrorSpec.MaxLegs];
    private readonly long _stride = StrideOf(legs.Regions);

    private static ReadOnlySpan<byte> Magic => "dmio-txt"u8;

    public BlockDevice Device => writer.Device;

    /// <summary>Whether anything waits to be written.</summary>
    public bool HasChanges { get; private set; }

    /// <summary>Bytes of one bitmap.</summary>
    public static long StrideOf(long regions) => RoundUp((regions + 7) / 8, BufferPool.AlignmentBytes);

    /// <summary>Bytes of the whole area.</summary>
    public static long SizeOf(long regions) => DescriptionBytes + Bitmaps * StrideOf(regions);

    /// <summary>Where the area begins on a log device with room for it: behind the kernel's buffer.</summary>
    public static long OffsetBehind(long bufferBytes) => RoundUp(bufferBytes, BufferPool.AlignmentBytes);

    /// <summary>Says which leg has which bitmap.</summary>
    public void Assign(int slot, Leg leg) => _legOfSlot[slot] = leg;

    /// <summary>The bitmap of a leg.</summary>
    public int SlotOf(Leg leg) => Array.IndexOf(_legOfSlot, leg);

    /// <summary>Notes that a region's bit in a leg's bitmap has changed.</summary>
    public void Changed(Leg leg, long region)
    {
        _changed[SlotOf(leg)].Add((int)(region / 8 / blockBytes));
        HasChanges = true;
    }

    /// <summary>Notes that all of a slot's bitmap has to be written.</summary>
    public void ChangedAll(int slot)
    {
        _changed[slot].Add(0, (int)(_stride / blockBytes));
        HasChanges = true;
    }

    /// <summary>Notes that the regions given up have to be written.</summary>
    public void GivenUpChanged() => ChangedAll(GivenUpSlot);

    /// <summary>Reads a slot's bitmap.</summary>
    public Task<Errno> ReadAsync(int slot, RegionSet into) => ReadBitmapAsync(slot, into);

    /// <summary>Reads the regions that were given up.</summary>
    public Task<Errno> ReadGivenUpAsync() => ReadBitmapAsync(GivenUpSlot, legs.GivenUp);

    /// <summary>Writes the blocks with changes; they are durable after a flush of the device.</summary>
    public async Task<Errno> WriteChangesAsync()
    {
        HasChanges = false;
        for (int slot = 0; slot < Bitmaps; slot++)
        {
            if (!_changed[slot].TryTake(_runs))
                continue;
            (int FirstBlock, int Count)[] runs = [.. _runs];
            Errno errno = await WriteRunsAsync(slot, runs);
            if (errno == Errno.None)
                continue;
            foreach ((int first, int count) in runs)
                _changed[slot].Add(first, count);
            HasChanges = true;
            return errno;
        }
        return Errno.None;
    }

    /// <summary>Writes what tells people whose log this is.</summary>
    public async Task<Errno> DescribeAsync(string text)
    {
        byte[] bytes = new byte[DescriptionBytes];
        int length = Encoding.UTF8.GetBytes(text, 0, Math.Min(text.Length, DescriptionBytes / 4), bytes, DescriptionHeader);
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), length);
        uint crc = uint.MaxValue;
        foreach (byte b in bytes.AsSpan(DescriptionHeader, length))
            crc = BitOperations.Crc32C(crc, b);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), ~crc);
        Errno errno = await writer.WriteAsync(offsetBytes, bytes);
        return errno == Errno.None ? await writer.DrainAsync() : errno;
    }

    private static long RoundUp(long bytes, long unit) => (bytes + unit - 1) / unit * unit;

    private async Task<Errno> WriteRunsAsync(int slot, (int FirstBlock, int Count)[] runs)
    {
        Errno errno = Errno.None;
        foreach ((int first, int count) in runs)
        {
            byte[] bytes = new byte[count * blockBytes];
            Fill(bytes, slot, (long)first * blockBytes);
            errno = await writer.WriteAsync(OffsetOf(slot) + (long)first * blockBytes, bytes);
            if (errno != Errno.None)
                break;
        }
        Errno drained = await writer.DrainAsync();
        return errno == Errno.None ? drained : errno;
    }

    private long OffsetOf(int slot) => offsetBytes + DescriptionBytes + slot * _stride;

    private async Task<Errno> ReadBitmapAsync(int slot, RegionSet into)
    {
        byte[] bits = new byte[_stride];
        Errno errno = await writer.ReadAsync(OffsetOf(slot), bits);
        if (errno == Errno.None)
            into.Load(bits);
        return errno;
    }

    private void Fill(Span<byte> bytes, int slot, long from)
    {
        RegionSet? set = slot == GivenUpSlot ? legs.GivenUp : _legOfSlot[slot]?.Recorded;
        if (set is null)
            return;
        ReadOnlySpan<byte> bits = MemoryMarshal.AsBytes(set.Words);
        if (from < bits.Length)
            bits.Slice((int)from, (int)Math.Min(bytes.Length, bits.Length - from)).CopyTo(bytes);
    }
}
