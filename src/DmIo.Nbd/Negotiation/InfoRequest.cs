using System.Text.Unicode;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Negotiation;

/// <summary>What INFO and GO carry: a name and the kinds of information that the client would like.</summary>
internal readonly ref struct InfoRequest
{
    private InfoRequest(ReadOnlySpan<byte> name, uint wanted)
    {
        Name = name;
        Wanted = wanted;
    }

    /// <summary>The export's name.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>Bit n stands for information type n; types that nobody knows have no bit.</summary>
    private uint Wanted { get; }

    /// <summary>Whether the client asked for a type.</summary>
    public bool Wants(ushort type) => (Wanted >> type & 1) != 0;

    /// <summary>
    /// Takes an option's data apart: u32 name length, name, u16 count, that many u16.
    /// </summary>
    /// <returns>Null, or what is wrong with it.</returns>
    public static string? TryParse(ReadOnlySpan<byte> data, out InfoRequest request)
    {
        request = default;
        var reader = new WireReader(data);
        if (reader.Remaining < sizeof(uint) + sizeof(ushort))
            return "option data is too short";
        uint nameLength = reader.ReadUInt32();
        if (nameLength > (uint)reader.Remaining - sizeof(ushort))
            return "name length runs past the option's data";
        if (nameLength > MaxStringBytes)
            return "export name is longer than 4096 bytes";
        ReadOnlySpan<byte> name = reader.ReadBytes((int)nameLength);
        if (name.Contains((byte)0) || !Utf8.IsValid(name))
            return "export name is not UTF-8 without NUL";
        int count = reader.ReadUInt16();
        if (reader.Remaining != count * sizeof(ushort))
            return "number of information requests does not match the option's data";
        uint wanted = 0;
        for (; count > 0; count--)
        {
            ushort type = reader.ReadUInt16();
            if (type <= NBD_INFO_BLOCK_SIZE)
                wanted |= 1u << type;
        }
        request = new InfoRequest(name, wanted);
        return null;
    }
}
