using System.Collections.Immutable;
using System.Text;
using DmIo.Nbd.Status;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// What a request is answered. The common replies are a header, written when they are sent, and their data; everything
/// else is composed when the request is finished.
/// </summary>
internal sealed partial class NbdRequest
{
    private ComposedReply? _composed;
    private bool _isComposed;
    private int _mostExtents;

    /// <summary>What the client asked.</summary>
    public ushort Command { get; private set; }

    /// <summary>READ: the answer may have one chunk of content alone.</summary>
    public bool DontFragment { get; private set; }

    /// <summary>BLOCK_STATUS: what is asked about the range.</summary>
    public ImmutableArray<MetaContext> Contexts { get; private set; } = [];

    /// <summary>What every chunk repeats of the request.</summary>
    public (ulong Cookie, ulong Offset) Echo => (Cookie, (ulong)OffsetBytes);

    /// <summary>The reply, where it is more than a header and <see cref="ReplyData"/>.</summary>
    public ComposedReply? Composed => _isComposed ? _composed : null;

    /// <summary>The data that the reply carries: nothing, unless the request succeeded and its answer has some.</summary>
    public IoVector ReplyData { get; private set; }

    /// <summary>The most vectors that the reply takes beside one for its header.</summary>
    public int ReplyVectors
    {
        get
        {
            int segments = ReplyData.LengthBytes == 0 ? 0 : HasOtherAnswer ? MaxAnswerSegments : _segmentCount;
            return _isComposed ? segments + _composed!.MaxVectors : segments;
        }
    }

    /// <summary>Decides how the reply looks.</summary>
    /// <returns>Its bytes.</returns>
    public long PrepareReply(ReplyForm form)
    {
        if (form == ReplyForm.Simple)
            return SimpleReplyHeaderBytes + ReplyData.LengthBytes;
        if (ReplyError != 0)
            ComposeError(form);
        else if (Command == NBD_CMD_READ && ReplyData.LengthBytes > 0)
            _ = ReadReply.TryCompose(this, form);
        return _isComposed ? _composed!.LengthBytes : HeaderBytes(form) + ReplyData.LengthBytes;
    }

    /// <summary>Writes the header of a reply that is not composed.</summary>
    /// <returns>Its bytes.</returns>
    public int WriteHeader(Span<byte> destination, ReplyForm form)
    {
        int bytes = HeaderBytes(form);
        if (bytes == SimpleReplyHeaderBytes)
        {
            SimpleReply.Write(destination, ReplyError, Cookie);
            return bytes;
        }
        var writer = new WireWriter(destination[..bytes]);
        long length = ReplyData.LengthBytes;
        if (length == 0)
        {
            ReplyChunk.WriteHeader(ref writer, form, Echo, NBD_REPLY_TYPE_NONE, isLast: true, 0);
            return bytes;
        }
        ReplyChunk.WriteHeader(ref writer, form, Echo, NBD_REPLY_TYPE_OFFSET_DATA, isLast: true, sizeof(ulong) + length);
        writer.WriteUInt64((ulong)OffsetBytes);
        return bytes;
    }

    /// <summary>The reply to add chunks to.</summary>
    public ComposedReply BeginComposing(bool isFirst)
    {
        _composed ??= new ComposedReply();
        if (isFirst)
            _composed.Clear();
        _isComposed = true;
        return _composed;
    }

    /// <summary>BLOCK_STATUS: names the contexts, and the range that is meant.</summary>
    public void SetStatus(ImmutableArray<MetaContext> contexts, long lengthBytes, bool requireOne)
    {
        Contexts = contexts;
        LengthBytes = lengthBytes;
        _mostExtents = requireOne ? 1 : StatusLimits.MostExtents;
    }

    /// <summary>BLOCK_STATUS: the buffer that all chunks fit in.</summary>
    public int StatusBytes(ReplyForm form) => Contexts.Length * StatusChunk.BytesFor(form, _mostExtents);

    /// <summary>BLOCK_STATUS: begins a chunk in the request's buffer, behind those before it.</summary>
    public StatusChunk BeginChunk(int atBytes)
    {
        IoSegment buffer = _segments[0];
        var room = new IoSegment(buffer.Address + atBytes, buffer.LengthBytes - atBytes);
        return new StatusChunk(room, Connection.Form, _mostExtents, LengthBytes);
    }

    /// <summary>Ends a request whose chunks lie ready in its own buffer.</summary>
    public void FinishWith(long chunkBytes)
    {
        ReplyData = Vector.Slice(0, chunkBytes);
        BeginComposing(isFirst: true).AddData(0, chunkBytes);
        Connection.Finished(this);
    }

    // Structured replies leave it open how success without data is told; the simple reply is the shortest.
    private int HeaderBytes(ReplyForm form)
    {
        if (form == ReplyForm.Simple || (form == ReplyForm.Structured && Command != NBD_CMD_READ))
            return SimpleReplyHeaderBytes;
        return ReplyChunk.HeaderBytes(form) + (ReplyData.LengthBytes > 0 ? sizeof(ulong) : 0);
    }

    private void ComposeError(ReplyForm form)
    {
        byte[] text = Encoding.UTF8.GetBytes(ReplyText.Of(this, _failure));
        int textBytes = Math.Min(text.Length, ComposedReply.MaxTextBytes);
        while (textBytes < text.Length && (text[textBytes] & 0xc0) == 0x80)
            textBytes--;
        // Ranges that are refused may lie anywhere, also where offsets are negative.
        bool hasOffset = _failedOffset >= 0 && _failedOffset >= OffsetBytes && _failedOffset - OffsetBytes < LengthBytes;
        int length = sizeof(uint) + sizeof(ushort) + textBytes + (hasOffset ? sizeof(ulong) : 0);
        WireWriter writer = BeginComposing(isFirst: true).Take(ReplyChunk.HeaderBytes(form) + length);
        ushort type = hasOffset ? NBD_REPLY_TYPE_ERROR_OFFSET : NBD_REPLY_TYPE_ERROR;
        ReplyChunk.WriteHeader(ref writer, form, Echo, type, isLast: true, length);
        writer.WriteUInt32(ReplyError);
        writer.WriteUInt16((ushort)textBytes);
        writer.WriteBytes(text.AsSpan(0, textBytes));
        if (hasOffset)
            writer.WriteUInt64((ulong)_failedOffset);
    }
}
