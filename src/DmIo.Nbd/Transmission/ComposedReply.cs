using DmIo.Linux;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// A reply that is more than a header and its data: several chunks, or an error with its sentence. Belongs to a request
/// object and is kept with it, so that reads with holes make no garbage.
/// </summary>
internal sealed unsafe class ComposedReply
{
    /// <summary>
    /// The most holes that one reply tells; behind them all is data. Their vectors and those of the data between them
    /// must fit in one gathered send.
    /// </summary>
    public const int MaxHoles = 64;

    private const int MaxParts = MaxHoles + 1;

    // A header, offset and size for each hole, a header and offset for each run of data between them.
    private const int FrameBytes = (2 * MaxParts) * (ExtendedReplyHeaderBytes + sizeof(ulong) + sizeof(uint));

    private readonly byte[] _frame = GC.AllocateUninitializedArray<byte>(FrameBytes, pinned: true);
    private readonly Part[] _parts = new Part[MaxParts];
    private int _frameEnd;
    private int _count;

    /// <summary>Bytes of the reply, data included.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>The most vectors that it takes beside those of its data's segments.</summary>
    public int MaxVectors => 2 * _count;

    /// <summary>The longest sentence that fits.</summary>
    public static int MaxTextBytes => Math.Min(
        MaxStringBytes, FrameBytes - ExtendedReplyHeaderBytes - sizeof(uint) - sizeof(ushort) - sizeof(ulong));

    public void Clear()
    {
        _frameEnd = _count = 0;
        LengthBytes = 0;
    }

    /// <summary>Takes room for bytes that precede the next data.</summary>
    public WireWriter Take(int bytes)
    {
        if (_count == 0 || _parts[_count - 1].DataBytes > 0)
            _parts[_count++] = new Part(_frameEnd, 0, 0, 0);
        _parts[_count - 1] = _parts[_count - 1] with { FrameBytes = _parts[_count - 1].FrameBytes + bytes };
        var room = new Span<byte>(_frame, _frameEnd, bytes);
        _frameEnd += bytes;
        LengthBytes += bytes;
        return new WireWriter(room);
    }

    /// <summary>Puts a part of the reply's data behind the bytes that were taken last.</summary>
    public void AddData(long offsetBytes, long lengthBytes)
    {
        if (_count == 0)
            _parts[_count++] = new Part(0, 0, 0, 0);
        _parts[_count - 1] = _parts[_count - 1] with { DataOffset = offsetBytes, DataBytes = lengthBytes };
        LengthBytes += lengthBytes;
    }

    /// <summary>Adds the reply's vectors to others.</summary>
    /// <returns>How many there are then.</returns>
    public int AddVectors(IoVec* vectors, int count, in IoVector data)
    {
        fixed (byte* frame = _frame)
        {
            for (int i = 0; i < _count; i++)
            {
                Part part = _parts[i];
                if (part.FrameBytes > 0)
                    vectors[count++] = new IoVec((nint)(frame + part.FrameStart), part.FrameBytes);
                if (part.DataBytes == 0)
                    continue;
                foreach (IoSegment segment in data.Slice(part.DataOffset, part.DataBytes))
                    vectors[count++] = new IoVec(segment.Address, segment.LengthBytes);
            }
        }
        return count;
    }

    private readonly record struct Part(int FrameStart, int FrameBytes, long DataOffset, long DataBytes);
}
