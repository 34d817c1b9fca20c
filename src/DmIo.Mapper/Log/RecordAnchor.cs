using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace DmIo.Mapper;

/// <summary>
/// The 512 bytes at byte 512 of a log device, which the kernel leaves alone: what its own format cannot say. One sector,
/// so that it is replaced as a whole. All numbers little-endian; the layout stands in the mapper's README.
/// </summary>
internal sealed class RecordAnchor
{
    /// <summary>Where it lies in the log.</summary>
    public const int OffsetBytes = 512;

    /// <summary>How long it is.</summary>
    public const int SizeBytes = 512;

    /// <summary>The version that this program writes; a newer one is refused.</summary>
    public const uint CurrentVersion = 1;

    private const int ChecksumAt = 12;
    private const int SlotsAt = 80;
    private const int SlotBytes = 48;

    private static ReadOnlySpan<byte> Magic => "dmio-rec"u8;

    public Guid Volume { get; set; }

    /// <summary>How often the set of good legs has shrunk.</summary>
    public long Epoch { get; set; }

    public Sectors Length { get; set; }

    public Sectors RegionSize { get; set; }

    /// <summary>A daemon has the log, or ended with something that only the record says.</summary>
    public bool IsActive { get; set; }

    /// <summary>While active: it ended with no write in flight.</summary>
    public bool IsClean { get; set; }

    /// <summary>The bitmaps lie in a file of their own, since the log device is too short.</summary>
    public bool IsSidecar { get; set; }

    /// <summary>Where the record's area begins.</summary>
    public long AreaBytes { get; set; }

    private const long MaxSizeBytes = (1L << 47) - 1;

    /// <summary>Bytes of one bitmap in the area.</summary>
    public long StrideBytes { get; set; }

    /// <summary>One per bitmap.</summary>
    public RecordSlot[] Slots { get; } = new RecordSlot[MirrorSpec.MaxLegs];

    /// <summary>The fingerprint of what tells a leg, or of its name, from others.</summary>
    public static UInt128 Fingerprint(string text) =>
        BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>What is known of an anchor's bytes: nothing there, unreadable, or the anchor.</summary>
    /// <param name="bytes">512 bytes.</param>
    /// <param name="version">The version that it names, zero when there is no anchor.</param>
    /// <returns>Null when there is none, it is damaged, or of another version.</returns>
    public static RecordAnchor? Read(ReadOnlySpan<byte> bytes, out uint version)
    {
        version = 0;
        if (!bytes.StartsWith(Magic))
            return null;
        version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (version != CurrentVersion || Checksum(bytes) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumAt..]))
            return null;
        byte flags = bytes[53];
        var anchor = new RecordAnchor
        {
            Volume = new Guid(bytes[16..32]),
            Epoch = BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
            Length = new Sectors(BinaryPrimitives.ReadInt64LittleEndian(bytes[40..])),
            RegionSize = new Sectors(BinaryPrimitives.ReadUInt32LittleEndian(bytes[48..])),
            IsActive = (flags & 1) != 0,
            IsClean = (flags & 2) != 0,
            IsSidecar = (flags & 4) != 0,
            AreaBytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[56..]),
            StrideBytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[64..]),
        };
        for (int i = 0; i < anchor.Slots.Length; i++)
        {
            ReadOnlySpan<byte> slot = bytes.Slice(SlotsAt + i * SlotBytes, SlotBytes);
            anchor.Slots[i] = new RecordSlot(
                BinaryPrimitives.ReadUInt128LittleEndian(slot), BinaryPrimitives.ReadUInt128LittleEndian(slot[16..]),
                new Sectors(BinaryPrimitives.ReadInt64LittleEndian(slot[32..])),
                BinaryPrimitives.ReadInt64LittleEndian(slot[40..]) >> 16, slot[40] != 0, (slot[41] & 1) != 0,
                (slot[41] & 2) != 0);
        }
        return anchor;
    }

    public void Write(Span<byte> bytes)
    {
        bytes.Clear();
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], CurrentVersion);
        Volume.TryWriteBytes(bytes[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[40..], Length.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[48..], (uint)RegionSize.Count);
        bytes[52] = (byte)Slots.Count(slot => slot.IsUsed);
        bytes[53] = (byte)((IsActive ? 1 : 0) | (IsClean ? 2 : 0) | (IsSidecar ? 4 : 0));
        BinaryPrimitives.WriteInt64LittleEndian(bytes[56..], AreaBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[64..], StrideBytes);
        for (int i = 0; i < Slots.Length; i++)
        {
            Span<byte> slot = bytes.Slice(SlotsAt + i * SlotBytes, SlotBytes);
            BinaryPrimitives.WriteUInt128LittleEndian(slot, Slots[i].Identity);
            BinaryPrimitives.WriteUInt128LittleEndian(slot[16..], Slots[i].Name);
            BinaryPrimitives.WriteInt64LittleEndian(slot[32..], Slots[i].Offset.Count);
            // Six bytes; of what is longer it is not known.
            long size = Slots[i].SizeBytes > MaxSizeBytes ? 0 : Slots[i].SizeBytes;
            BinaryPrimitives.WriteInt64LittleEndian(slot[40..], size << 16);
            slot[40] = (byte)(Slots[i].IsUsed ? 1 : 0);
            slot[41] = (byte)((Slots[i].IsDiverged ? 1 : 0) | (Slots[i].IsFailedByHand ? 2 : 0));
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChecksumAt..], Checksum(bytes));
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        for (int i = 0; i < SizeBytes; i += sizeof(uint))
        {
            uint word = i == ChecksumAt ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes[i..]);
            crc = BitOperations.Crc32C(crc, word);
        }
        return ~crc;
    }
}
