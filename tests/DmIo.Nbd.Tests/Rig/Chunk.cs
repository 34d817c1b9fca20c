using System.Text;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>One chunk of a structured or extended reply, as it came.</summary>
internal sealed record Chunk(ushort Flags, ushort Type, ulong Cookie, ulong RequestOffset, byte[] Data)
{
    public bool IsDone => (Flags & NBD_REPLY_FLAG_DONE) != 0;

    /// <summary>Where the content of a data or hole chunk lies.</summary>
    public ulong Offset => new WireReader(Data).ReadUInt64();

    /// <summary>Error, sentence and, of an ERROR_OFFSET, the offset.</summary>
    public (uint Error, string Text, ulong? Offset) ReadError()
    {
        Assert.That(Type, Is.EqualTo(NBD_REPLY_TYPE_ERROR).Or.EqualTo(NBD_REPLY_TYPE_ERROR_OFFSET));
        var reader = new WireReader(Data);
        uint error = reader.ReadUInt32();
        string text = Encoding.UTF8.GetString(reader.ReadBytes(reader.ReadUInt16()));
        ulong? offset = Type == NBD_REPLY_TYPE_ERROR_OFFSET ? reader.ReadUInt64() : null;
        Assert.That(reader.Remaining, Is.Zero);
        Assert.That(error, Is.Not.Zero);
        return (error, text, offset);
    }

    /// <summary>Context and extents of a status chunk, either form.</summary>
    public (uint Context, (ulong Length, ulong Status)[] Extents) ReadStatus()
    {
        bool isExtended = Type == NBD_REPLY_TYPE_BLOCK_STATUS_EXT;
        Assert.That(isExtended || Type == NBD_REPLY_TYPE_BLOCK_STATUS, $"type {Type}");
        var reader = new WireReader(Data);
        uint context = reader.ReadUInt32();
        uint? count = isExtended ? reader.ReadUInt32() : null;
        var extents = new List<(ulong, ulong)>();
        while (reader.Remaining > 0)
        {
            extents.Add(isExtended
                ? (reader.ReadUInt64(), reader.ReadUInt64())
                : (reader.ReadUInt32(), reader.ReadUInt32()));
        }
        Assert.That(count ?? (uint)extents.Count, Is.EqualTo((uint)extents.Count));
        return (context, [.. extents]);
    }
}
