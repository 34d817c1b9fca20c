using System.Buffers;
using System.Text;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Negotiation;

/// <summary>Builds the replies to one option, which are sent together.</summary>
internal sealed class OptionReplies(uint option)
{
    private readonly ArrayBufferWriter<byte> _message = new(256);

    /// <summary>The replies so far.</summary>
    public ReadOnlyMemory<byte> Message => _message.WrittenMemory;

    public OptionReplies Ack()
    {
        Begin(NBD_REP_ACK, 0);
        return this;
    }

    /// <summary>An error with a sentence for the client's user.</summary>
    public OptionReplies Error(uint type, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Begin(type, bytes.Length).WriteBytes(bytes);
        return this;
    }

    /// <summary>One export of a list: its name and, behind it, its description.</summary>
    public OptionReplies Server(NbdExport export)
    {
        byte[] description = export.DescriptionBytes; // Once: another thread may give it a new one.
        WireWriter writer = Begin(NBD_REP_SERVER, sizeof(uint) + export.NameBytes.Length + description.Length);
        writer.WriteUInt32((uint)export.NameBytes.Length);
        writer.WriteBytes(export.NameBytes);
        writer.WriteBytes(description);
        return this;
    }

    /// <summary>What is told of an export: size and flags always, the rest when asked for.</summary>
    public OptionReplies Infos(NbdExport export, ushort flags, in InfoRequest request, int maximumBlockBytes)
    {
        byte[] description = export.DescriptionBytes;
        WireWriter writer = BeginInfo(NBD_INFO_EXPORT, sizeof(ulong) + sizeof(ushort));
        writer.WriteUInt64((ulong)export.SizeBytes);
        writer.WriteUInt16(flags);
        if (request.Wants(NBD_INFO_NAME))
            BeginInfo(NBD_INFO_NAME, export.NameBytes.Length).WriteBytes(export.NameBytes);
        if (request.Wants(NBD_INFO_DESCRIPTION) && description.Length > 0)
            BeginInfo(NBD_INFO_DESCRIPTION, description.Length).WriteBytes(description);
        if (request.Wants(NBD_INFO_BLOCK_SIZE))
        {
            writer = BeginInfo(NBD_INFO_BLOCK_SIZE, 3 * sizeof(uint));
            writer.WriteUInt32(NbdExport.MinimumBlock);
            writer.WriteUInt32(export.PreferredBlock);
            writer.WriteUInt32((uint)maximumBlockBytes);
        }
        return this;
    }

    /// <summary>A metadata context, with the id by which status chunks will call it; 0 in a list.</summary>
    public OptionReplies Context(uint id, Status.MetaContext context)
    {
        WireWriter writer = Begin(NBD_REP_META_CONTEXT, sizeof(uint) + context.NameBytes.Length);
        writer.WriteUInt32(id);
        writer.WriteBytes(context.NameBytes);
        return this;
    }

    private WireWriter BeginInfo(ushort type, int lengthBytes)
    {
        WireWriter writer = Begin(NBD_REP_INFO, sizeof(ushort) + lengthBytes);
        writer.WriteUInt16(type);
        return writer;
    }

    private WireWriter Begin(uint type, int lengthBytes)
    {
        int total = OptionReplyHeaderBytes + lengthBytes;
        Span<byte> reply = _message.GetSpan(total)[..total];
        _message.Advance(reply.Length);
        var writer = new WireWriter(reply);
        writer.WriteUInt64(NBD_REP_MAGIC);
        writer.WriteUInt32(option);
        writer.WriteUInt32(type);
        writer.WriteUInt32((uint)lengthBytes);
        return writer;
    }
}
