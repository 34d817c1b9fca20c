using System.Buffers.Binary;

namespace DmIo.Daemon.Tests;

/// <summary>The chunks of one structured reply, put together and held to the rules.</summary>
internal sealed class ChunkedAnswer(int type, int flags, ulong offset, uint length)
{
    private const int None = 0;
    private const int OffsetData = 1;
    private const int OffsetHole = 2;
    private const int Status = 5;
    private const int Error = 0x8001;
    private const int ErrorOffset = 0x8002;

    private readonly bool[] _covered = new bool[type == Wire.Read && length <= 1 << 27 ? length : 0];
    private string? _error;
    private string? _broken;
    private int _contents;
    private int _statuses;

    /// <summary>What a READ brought.</summary>
    public byte[] Data { get; } = new byte[type == Wire.Read && length <= 1 << 27 ? length : 0];

    /// <summary>An error's name, "ok", or what rule was broken.</summary>
    public string Verdict
    {
        get
        {
            if ((_broken ?? _error) is { } told)
                return told;
            if (type == Wire.Read && _covered.Contains(false))
                return "broken: not covered";
            if ((flags & Wire.DontFragment) != 0 && _contents > 1)
                return "broken: DF in pieces";
            return type == Wire.BlockStatus && _statuses != 1 ? $"broken: {_statuses} statuses" : "ok";
        }
    }

    public void Add(int chunk, byte[] data)
    {
        switch (chunk)
        {
            case None:
                break;
            case OffsetData when type == Wire.Read && data.Length > 8:
                if (Cover(data, data.Length - 8) is { Count: > 0 } place)
                    data.AsSpan(8).CopyTo(place);
                break;
            case OffsetHole when type == Wire.Read && data.Length == 12:
                Cover(data, (int)BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(8)));
                break;
            case Status when type == Wire.BlockStatus && data.Length >= 12 && data.Length % 8 == 4:
                _statuses++;
                AddStatus(data.AsSpan(4));
                break;
            case Error or ErrorOffset:
                _error = Wire.ErrorName(BinaryPrimitives.ReadUInt32BigEndian(data));
                break;
            default:
                _broken = $"broken: chunk {chunk:x} of {data.Length}";
                break;
        }
    }

    private ArraySegment<byte>? Cover(byte[] data, int count)
    {
        _contents++;
        ulong at = BinaryPrimitives.ReadUInt64BigEndian(data) - offset;
        if (at > length || (ulong)count > length - at || _covered.AsSpan((int)at, count).Contains(true))
        {
            _broken = "broken: outside or twice";
            return null;
        }
        _covered.AsSpan((int)at, count).Fill(true);
        return new ArraySegment<byte>(Data, (int)at, count);
    }

    private void AddStatus(ReadOnlySpan<byte> extents)
    {
        ulong before = 0;
        int count = extents.Length / 8;
        for (int i = 0; i < count; i++)
        {
            uint extent = BinaryPrimitives.ReadUInt32BigEndian(extents[(8 * i)..]);
            if (extent == 0 || before >= length)
                _broken = "broken: extents";
            before += extent;
        }
        if ((flags & Wire.ReqOne) != 0 && (count != 1 || before > length))
            _broken = "broken: REQ_ONE";
    }
}
