using System.Buffers.Binary;

namespace DmIo.Mapper;

// What the kernel does with the bytes of a log when a mirror is resumed (dm-semantics C.1, "disk resume").
internal sealed partial class LogImage
{
    /// <summary>
    /// Takes the bytes that were just read as the log of this mirror: a new one where there was none or where
    /// <paramref name="sync"/> says so, otherwise the one that was found, made longer or shorter. Blocks that differ
    /// afterwards are noted as changed.
    /// </summary>
    public LogActivation Activate(MirrorSync sync)
    {
        uint foundVersion = Version;
        ulong foundRegions = RecordedRegions;
        LogActivationKind kind;
        if (!HasMagic || sync != MirrorSync.Unsaid)
        {
            kind = LogActivationKind.New;
            Fill(0, Regions, sync == MirrorSync.NoSync);
        }
        else if (foundVersion is not (CurrentVersion or OldVersion))
        {
            Recount();
            return new LogActivation(LogActivationKind.Incompatible, foundVersion, foundRegions);
        }
        else if (foundRegions == (ulong)Regions || foundRegions == AnyRegions)
        {
            kind = LogActivationKind.Kept;
        }
        else if (foundRegions > (ulong)Regions)
        {
            kind = LogActivationKind.Shrunk;
        }
        else
        {
            kind = LogActivationKind.Grown;
            Fill((long)foundRegions, Regions, false);
        }
        Fill(Regions, _bitmapBytes * 8L, false);
        WriteHeader();
        Recount();
        return new LogActivation(kind, foundVersion, foundRegions);
    }

    private void WriteHeader()
    {
        if (!HasMagic)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(Bytes, Magic);
            NoteByte(0);
        }
        Version = CurrentVersion;
        RecordedRegions = (ulong)Regions;
    }

    /// <summary>Sets the bits from one to before another.</summary>
    private void Fill(long first, long end, bool clean)
    {
        if (first >= end)
            return;
        int firstByte = ByteOf(first);
        int lastByte = ByteOf(end - 1);
        byte firstMask = (byte)(0xFF << (int)(first & 7));
        byte lastMask = (byte)(0xFF >> (int)(7 - ((end - 1) & 7)));
        if (firstByte == lastByte)
        {
            FillByte(firstByte, (byte)(firstMask & lastMask), clean);
            return;
        }
        FillByte(firstByte, firstMask, clean);
        FillBytes(firstByte + 1, lastByte, clean ? byte.MaxValue : byte.MinValue);
        FillByte(lastByte, lastMask, clean);
    }

    private void FillByte(int index, byte mask, bool clean)
    {
        byte value = clean ? (byte)(Bytes[index] | mask) : (byte)(Bytes[index] & ~mask);
        if (value == Bytes[index])
            return;
        Bytes[index] = value;
        NoteByte(index);
    }

    // Block by block, so that only those are noted in which something changes.
    private void FillBytes(int from, int end, byte value)
    {
        while (from < end)
        {
            int blockEnd = Math.Min(end, (from / _blockBytes + 1) * _blockBytes);
            Span<byte> part = Bytes.AsSpan(from, blockEnd - from);
            if (part.ContainsAnyExcept(value))
            {
                part.Fill(value);
                NoteByte(from);
            }
            from = blockEnd;
        }
    }
}
