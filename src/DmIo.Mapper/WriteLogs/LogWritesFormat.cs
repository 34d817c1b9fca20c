using System.Buffers.Binary;
using System.Text;

namespace DmIo.Mapper;

/// <summary>
/// The bytes of a log of writes, as the kernel's log-writes target writes them: a sector of its own for what is known of
/// the whole, then for each entry one sector that describes it and behind it the data. All numbers are little-endian;
/// those of sectors count sectors of the log, whose size the first one tells.
/// </summary>
internal static class LogWritesFormat
{
    public const ulong Magic = 0x6A_7366_7773_6872;
    public const ulong Version = 1;

    /// <summary>The mark at the end of a log that was stopped.</summary>
    public const string EndMark = "dm-log-writes-end";

    /// <summary>Bytes of an entry before the text of a mark.</summary>
    public const int EntryBytes = 32;

    // What a larger number stands for is no log.
    private const int MaxSectorBytes = 1 << 16;

    /// <summary>Writes the first sector.</summary>
    public static void WriteSuper(Span<byte> sector, long entries)
    {
        sector.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[8..], Version);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[16..], (ulong)entries);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[24..], (uint)sector.Length);
    }

    /// <summary>Reads the first sector.</summary>
    /// <returns>What is wrong with it; null when it is the beginning of a log.</returns>
    public static string? ReadSuper(ReadOnlySpan<byte> sector, out long entries, out int sectorBytes)
    {
        entries = (long)BinaryPrimitives.ReadUInt64LittleEndian(sector[16..]);
        sectorBytes = (int)BinaryPrimitives.ReadUInt32LittleEndian(sector[24..]);
        if (BinaryPrimitives.ReadUInt64LittleEndian(sector) != Magic)
            return "is no log of writes";
        ulong version = BinaryPrimitives.ReadUInt64LittleEndian(sector[8..]);
        if (version != Version)
            return $"is a log of writes of version {version}, and {Version} is known";
        bool isSector = sectorBytes is >= Sectors.SizeBytes and <= MaxSectorBytes && (sectorBytes & (sectorBytes - 1)) == 0;
        return isSector && entries >= 0 ? null : "is a log of writes whose first sector is damaged";
    }

    /// <summary>Writes the sector that describes an entry.</summary>
    public static void WriteEntry(Span<byte> sector, LogWritesFlags flags, Sectors start, Sectors count, string mark)
    {
        sector.Clear();
        int shift = ShiftOf(sector.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(sector, (ulong)start.Count >> shift);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[8..], (ulong)count.Count >> shift);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[16..], (ulong)flags);
        int length = Encoding.UTF8.GetBytes(mark, sector[EntryBytes..]);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[24..], (ulong)length);
    }

    /// <summary>Reads the sector that describes an entry; null when it cannot be one.</summary>
    public static LogWritesEntry? ReadEntry(ReadOnlySpan<byte> sector, long index)
    {
        int shift = ShiftOf(sector.Length);
        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(sector);
        ulong count = BinaryPrimitives.ReadUInt64LittleEndian(sector[8..]);
        var flags = (LogWritesFlags)BinaryPrimitives.ReadUInt64LittleEndian(sector[16..]);
        ulong text = BinaryPrimitives.ReadUInt64LittleEndian(sector[24..]);
        ulong most = (ulong)(long.MaxValue >> (Sectors.Shift + shift));
        bool isMark = (flags & LogWritesFlags.Mark) != 0;
        if (start > most || count > most || (isMark && text > (ulong)(sector.Length - EntryBytes)))
            return null;
        string mark = isMark ? Encoding.UTF8.GetString(sector.Slice(EntryBytes, (int)text)) : "";
        return new LogWritesEntry(index, flags, new Sectors((long)start << shift), new Sectors((long)count << shift), mark);
    }

    // From sectors of 512 bytes to those of the log.
    private static int ShiftOf(int sectorBytes) => System.Numerics.BitOperations.Log2((uint)sectorBytes) - Sectors.Shift;
}
