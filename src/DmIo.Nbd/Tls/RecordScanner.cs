using System.Buffers.Binary;

namespace DmIo.Nbd.Tls;

/// <summary>
/// Finds the ends of TLS records (RFC 8446, 5.1: type, version, u16 length), so that only whole ones are handed on.
/// </summary>
internal struct RecordScanner
{
    public const int HeaderBytes = 5;

    /// <summary>The longest record there is: RFC 5246, 6.2.3; those of TLS 1.3 are shorter.</summary>
    public const int MaxRecordBytes = HeaderBytes + (1 << 14) + 2048;

    private bool _isBroken;

    /// <summary>How many of the bytes belong to whole records; all, once something else than records came.</summary>
    public int WholeBytes(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (!_isBroken && bytes.Length - at >= HeaderBytes)
        {
            int length = HeaderBytes + BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 3)..]);
            // Not for this place to judge: the library that gets it says what is wrong with it.
            _isBroken = length > MaxRecordBytes || bytes[at] is < 20 or > 23;
            if (length > bytes.Length - at)
                break;
            at += length;
        }
        return _isBroken ? bytes.Length : at;
    }
}
