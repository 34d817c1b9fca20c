using System.Text;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>One reply to an option, as it came.</summary>
internal sealed record OptionReply(uint Option, uint Type, byte[] Data)
{
    /// <summary>The information type of an INFO reply; -1 of others.</summary>
    public int InfoType => Type == NBD_REP_INFO ? Data[0] << 8 | Data[1] : -1;

    public string Text => Encoding.UTF8.GetString(InfoType >= 0 ? Data.AsSpan(2) : Data);

    public (ulong Size, ushort Flags) ReadExport()
    {
        Assert.That(Data, Has.Length.EqualTo(12));
        var reader = new WireReader(Data.AsSpan(2));
        return (reader.ReadUInt64(), reader.ReadUInt16());
    }

    public (uint Minimum, uint Preferred, uint Maximum) ReadBlockSizes()
    {
        Assert.That(Data, Has.Length.EqualTo(14));
        var reader = new WireReader(Data.AsSpan(2));
        return (reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32());
    }

    /// <summary>Id and name of a META_CONTEXT reply.</summary>
    public (uint Id, string Name) ReadContext()
    {
        Assert.That(Type, Is.EqualTo(NBD_REP_META_CONTEXT));
        return (new WireReader(Data).ReadUInt32(), Encoding.UTF8.GetString(Data.AsSpan(4)));
    }

    /// <summary>Name and description of a SERVER reply.</summary>
    public (string Name, string Description) ReadServer()
    {
        Assert.That(Type, Is.EqualTo(NBD_REP_SERVER));
        int length = (int)new WireReader(Data).ReadUInt32();
        return (Encoding.UTF8.GetString(Data, 4, length), Encoding.UTF8.GetString(Data.AsSpan(4 + length)));
    }
}
