using System.Text.Unicode;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Negotiation;

/// <summary>What LIST_META_CONTEXT and SET_META_CONTEXT carry: an export's name and queries.</summary>
internal readonly ref struct MetaContextRequest
{
    private readonly ReadOnlySpan<byte> _queries;

    private MetaContextRequest(ReadOnlySpan<byte> name, int count, ReadOnlySpan<byte> queries)
    {
        Name = name;
        Count = count;
        _queries = queries;
    }

    /// <summary>The export's name.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>How many queries there are.</summary>
    public int Count { get; }

    /// <summary>
    /// Takes an option's data apart: u32 name length, name, u32 count, for each query u32 length and text. All of it is
    /// looked at, so that whatever is answered is answered to a well-formed request.
    /// </summary>
    /// <returns>Null, or what is wrong with it.</returns>
    public static string? TryParse(ReadOnlySpan<byte> data, out MetaContextRequest request)
    {
        request = default;
        var reader = new WireReader(data);
        if (!TryReadString(ref reader, out ReadOnlySpan<byte> name))
            return "export name runs past the option's data, is longer than 4096 bytes, or is not UTF-8 without NUL";
        if (reader.Remaining < sizeof(uint))
            return "option data is too short";
        uint count = reader.ReadUInt32();
        ReadOnlySpan<byte> queries = data[^reader.Remaining..];
        for (uint i = 0; i < count; i++)
        {
            if (!TryReadString(ref reader, out _))
                return "a query runs past the option's data, is longer than 4096 bytes, or is not UTF-8 without NUL";
        }
        if (reader.Remaining > 0)
            return "number of queries does not match the option's data";
        request = new MetaContextRequest(name, (int)count, queries);
        return null;
    }

    /// <summary>Whether any query means a context.</summary>
    public bool Wants(Status.MetaContext context, bool isList)
    {
        if (Count == 0)
            return isList;
        var reader = new WireReader(_queries);
        while (reader.Remaining > 0)
        {
            _ = TryReadString(ref reader, out ReadOnlySpan<byte> query);
            if (context.Matches(query, isList))
                return true;
        }
        return false;
    }

    private static bool TryReadString(scoped ref WireReader reader, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (reader.Remaining < sizeof(uint))
            return false;
        uint length = reader.ReadUInt32();
        if (length > (uint)reader.Remaining || length > MaxStringBytes)
            return false;
        text = reader.ReadBytes((int)length);
        return !text.Contains((byte)0) && Utf8.IsValid(text);
    }
}
