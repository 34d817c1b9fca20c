using System.Text;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <content>Structured replies, extended headers and metadata contexts.</content>
internal sealed partial class NbdProbe
{
    /// <summary>What was negotiated.</summary>
    public ReplyForm Form { get; private set; }

    /// <summary>The ids of the contexts that were selected, by name.</summary>
    public Dictionary<string, uint> Contexts { get; } = [];

    /// <summary>Name and queries as LIST_META_CONTEXT and SET_META_CONTEXT carry them.</summary>
    public static byte[] Meta(string name, params ReadOnlySpan<string> queries)
    {
        byte[] data = [.. String(name), .. Bytes.U32((uint)queries.Length)];
        foreach (string query in queries)
            data = [.. data, .. String(query)];
        return data;

        static byte[] String(string text) =>
            [.. Bytes.U32((uint)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];
    }

    /// <summary>Greets, negotiates a form and contexts of the default export, and goes.</summary>
    public NbdProbe GoWith(ReplyForm form, params ReadOnlySpan<string> contexts)
    {
        Greet();
        AgreeOn(form);
        if (contexts.Length > 0)
            Select("", contexts);
        Assert.That(Ask(NBD_OPT_INFO, Info(""))[^1].Type, Is.EqualTo(NBD_REP_ACK));
        List<OptionReply> replies = Ask(NBD_OPT_GO, Info(""));
        Assert.That(replies[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Export = replies.Single(r => r.InfoType == NBD_INFO_EXPORT).ReadExport();
        return this;
    }

    public void AgreeOn(ReplyForm form)
    {
        uint option = form == ReplyForm.Extended ? NBD_OPT_EXTENDED_HEADERS : NBD_OPT_STRUCTURED_REPLY;
        Assert.That(Ask(option)[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Form = form;
    }

    /// <summary>Selects contexts, by SET_META_CONTEXT.</summary>
    public void Select(string export, params ReadOnlySpan<string> contexts)
    {
        List<OptionReply> replies = Ask(NBD_OPT_SET_META_CONTEXT, Meta(export, contexts));
        Assert.That(replies[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Contexts.Clear();
        foreach (OptionReply reply in replies.SkipLast(1))
            Contexts.Add(reply.ReadContext().Name, reply.ReadContext().Id);
    }

    public static byte[] ExtendedRequest(
        ushort type, ulong offset, ulong length, ulong cookie = 0, int flags = 0,
        uint magic = NBD_EXTENDED_REQUEST_MAGIC) =>
        [.. Bytes.U32(magic), .. Bytes.U16((ushort)flags), .. Bytes.U16(type), .. Bytes.U64(cookie),
            .. Bytes.U64(offset), .. Bytes.U64(length)];

    public Chunk ReadChunk()
    {
        bool isExtended = Form == ReplyForm.Extended;
        var reader = new WireReader(Receive(isExtended ? ExtendedReplyHeaderBytes : StructuredReplyHeaderBytes));
        Assert.That(
            reader.ReadUInt32(), Is.EqualTo(isExtended ? NBD_EXTENDED_REPLY_MAGIC : NBD_STRUCTURED_REPLY_MAGIC));
        ushort flags = reader.ReadUInt16();
        ushort type = reader.ReadUInt16();
        ulong cookie = reader.ReadUInt64();
        ulong offset = isExtended ? reader.ReadUInt64() : 0;
        ulong length = isExtended ? reader.ReadUInt64() : reader.ReadUInt32();
        Assert.That(flags & ~NBD_REPLY_FLAG_DONE, Is.Zero);
        return new Chunk(flags, type, cookie, offset, Receive(checked((int)length)));
    }

    /// <summary>Asks, in the form that was negotiated, and reads chunks up to the last.</summary>
    public List<Chunk> Chunks(ushort type, ulong offset, ulong length, int flags = 0, byte[]? payload = null)
    {
        ulong cookie = ++_cookie;
        byte[] header = Form == ReplyForm.Extended
            ? ExtendedRequest(type, offset, payload is null ? length : (ulong)payload.Length, cookie, flags)
            : Request(type, offset, (uint)length, cookie, (ushort)flags);
        Send([.. header, .. payload ?? []]);
        var chunks = new List<Chunk>();
        do
        {
            chunks.Add(ReadChunk());
            Assert.That(chunks[^1].Cookie, Is.EqualTo(cookie));
            if (Form == ReplyForm.Extended)
                Assert.That(chunks[^1].RequestOffset, Is.EqualTo(offset), "the request's offset");
        }
        while (!chunks[^1].IsDone);
        return chunks;
    }

    /// <summary>A READ whose chunks are checked and put together.</summary>
    public byte[] ReadChunked(ulong offset, int length, int flags = 0)
    {
        byte[] data = Bytes.Random(length, 99);
        int got = 0;
        foreach (Chunk chunk in Chunks(NBD_CMD_READ, offset, (ulong)length, flags))
        {
            int at = (int)(chunk.Offset - offset);
            if (chunk.Type == NBD_REPLY_TYPE_OFFSET_HOLE)
            {
                Assert.That(chunk.Data, Has.Length.EqualTo(12));
                int hole = (int)new WireReader(chunk.Data.AsSpan(8)).ReadUInt32();
                Assert.That(hole, Is.GreaterThan(0));
                data.AsSpan(at, hole).Clear();
                got += hole;
            }
            else
            {
                Assert.That(chunk.Type, Is.EqualTo(NBD_REPLY_TYPE_OFFSET_DATA));
                Assert.That(chunk.Data, Has.Length.GreaterThan(8));
                chunk.Data.AsSpan(8).CopyTo(data.AsSpan(at));
                got += chunk.Data.Length - 8;
            }
        }
        Assert.That(got, Is.EqualTo(length), "covered exactly");
        return data;
    }

    /// <summary>A BLOCK_STATUS; the extents of each selected context by name, each told once.</summary>
    public Dictionary<string, (ulong Length, ulong Status)[]> Status(ulong offset, ulong length, int flags = 0)
    {
        var found = new Dictionary<string, (ulong, ulong)[]>();
        foreach (Chunk chunk in Chunks(NBD_CMD_BLOCK_STATUS, offset, length, flags))
        {
            (uint context, (ulong Length, ulong Status)[] extents) = chunk.ReadStatus();
            found.Add(Contexts.Single(c => c.Value == context).Key, extents);
            Assert.That(extents, Is.Not.Empty);
            Assert.That(extents.Select(e => e.Length), Is.All.GreaterThan(0));
            for (int i = 1; i < extents.Length; i++)
                Assert.That(extents[i].Status, Is.Not.EqualTo(extents[i - 1].Status), "neighbours differ");
        }
        return found;
    }

    /// <summary>The error chunk that a request is answered.</summary>
    public (uint Error, string Text, ulong? Offset) Error(
        ushort type, ulong offset, ulong length, int flags = 0, byte[]? payload = null) =>
        Chunks(type, offset, length, flags, payload).Single().ReadError();
}
