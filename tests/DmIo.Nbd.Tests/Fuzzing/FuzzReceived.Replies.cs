using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <content>Replies and chunks of the transmission phase.</content>
internal sealed partial class FuzzReceived
{
    private int TakeReply(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < SimpleReplyHeaderBytes)
            return 0;
        uint magic = new WireReader(bytes).ReadUInt32();
        if (magic == NBD_SIMPLE_REPLY_MAGIC && sent.Form != ReplyForm.Extended)
            return TakeSimple(bytes);
        uint wanted = sent.Form == ReplyForm.Extended ? NBD_EXTENDED_REPLY_MAGIC : NBD_STRUCTURED_REPLY_MAGIC;
        Expect(magic == wanted && sent.Form != ReplyForm.Simple, $"reply with magic {magic:x}");
        return TakeChunk(bytes);
    }

    private int TakeSimple(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        _ = reader.ReadUInt32();
        uint error = reader.ReadUInt32();
        ulong cookie = reader.ReadUInt64();
        if (Find(cookie) is not { } request)
            return 0;
        Expect(sent.Form == ReplyForm.Simple || (request.Header.Type != NBD_CMD_READ && error == 0),
            $"simple reply to {Describe(request)} although structured ones were agreed on");
        if (error != 0)
        {
            CheckError(request, error);
            request.Error = error;
            Complete(request);
            return SimpleReplyHeaderBytes;
        }
        int data = request.Header.Type == NBD_CMD_READ && request.MaySucceed ? (int)request.Header.Length : 0;
        if (reader.Remaining < data)
            return 0;
        if (data > 0)
            TakeContent(request, request.Header.Offset, reader.ReadBytes(data));
        Complete(request);
        return SimpleReplyHeaderBytes + data;
    }

    private int TakeChunk(ReadOnlySpan<byte> bytes)
    {
        bool isExtended = sent.Form == ReplyForm.Extended;
        int header = isExtended ? ExtendedReplyHeaderBytes : StructuredReplyHeaderBytes;
        if (bytes.Length < header)
            return 0;
        var reader = new WireReader(bytes);
        _ = reader.ReadUInt32();
        ushort flags = reader.ReadUInt16();
        ushort type = reader.ReadUInt16();
        ulong cookie = reader.ReadUInt64();
        ulong? offset = isExtended ? reader.ReadUInt64() : null;
        ulong length = isExtended ? reader.ReadUInt64() : reader.ReadUInt32();
        Expect(length <= 65 << 20, $"chunk of {length} bytes");
        if ((ulong)reader.Remaining < length)
            return 0;
        if (Find(cookie) is not { } request)
            return 0;
        bool isDone = flags == NBD_REPLY_FLAG_DONE;
        Expect(isDone || flags == 0, $"chunk with flags {flags:x}");
        Expect(offset is null || offset == request.Header.Offset, $"chunk that repeats offset {offset:x} of {Describe(request)}");
        Note(3, KindOf(request), type, flags, (uint)sent.Form);
        TakeChunk(request, type, reader.ReadBytes((int)length), isDone);
        if (isDone)
            Complete(request);
        return header + (int)length;
    }

    private void TakeChunk(FuzzRequest request, ushort type, ReadOnlySpan<byte> data, bool isDone)
    {
        var reader = new WireReader(data);
        ushort command = request.Header.Type;
        switch (type)
        {
            case NBD_REPLY_TYPE_NONE:
                Expect(isDone && data.IsEmpty, "chunk of type NONE that does not end, or has data");
                break;
            case NBD_REPLY_TYPE_OFFSET_DATA when command == NBD_CMD_READ && data.Length > 8:
                ulong at = reader.ReadUInt64();
                TakeContent(request, at, reader.ReadBytes(reader.Remaining));
                break;
            case NBD_REPLY_TYPE_OFFSET_HOLE when command == NBD_CMD_READ && data.Length == 12:
                at = reader.ReadUInt64();
                uint bytes = reader.ReadUInt32();
                Expect(bytes > 0 && bytes <= 64 << 20, $"hole of {bytes} bytes");
                TakeContent(request, at, new byte[bytes]);
                break;
            case NBD_REPLY_TYPE_BLOCK_STATUS when command == NBD_CMD_BLOCK_STATUS && sent.Form == ReplyForm.Structured:
            case NBD_REPLY_TYPE_BLOCK_STATUS_EXT when command == NBD_CMD_BLOCK_STATUS && sent.Form == ReplyForm.Extended:
                TakeStatus(request, reader);
                break;
            case NBD_REPLY_TYPE_ERROR or NBD_REPLY_TYPE_ERROR_OFFSET when data.Length >= 6 && request.Error == 0:
                TakeError(request, type, reader);
                break;
            default:
                throw new FuzzFailureException($"chunk of type {type:x} with {data.Length} bytes to {Describe(request)}");
        }
    }

    private void TakeError(FuzzRequest request, ushort type, WireReader reader)
    {
        request.Error = reader.ReadUInt32();
        CheckError(request, request.Error);
        int length = reader.ReadUInt16();
        int offsetBytes = type == NBD_REPLY_TYPE_ERROR_OFFSET ? sizeof(ulong) : 0;
        Expect(length <= MaxStringBytes && reader.Remaining == length + offsetBytes, "error chunk with a wrong length");
        Expect(System.Text.Unicode.Utf8.IsValid(reader.ReadBytes(length)), "an error's text is none");
        if (offsetBytes == 0)
            return;
        ulong at = reader.ReadUInt64();
        Expect(
            at >= request.Header.Offset && at - request.Header.Offset < request.Header.Length
            && at < (ulong)sent.Export!.SizeBytes,
            $"error at {at:x} to {Describe(request)}");
    }

    private void TakeContent(FuzzRequest request, ulong at, ReadOnlySpan<byte> data)
    {
        Expect(request.MaySucceed && request.Error == 0, $"content for {Describe(request)}");
        bool isSole = (request.Header.Flags & NBD_CMD_FLAG_DF) != 0;
        Expect(++request.ContentChunks == 1 || !isSole, $"several chunks of content for {Describe(request)}");
        FuzzRanges part = at <= long.MaxValue ? FuzzRanges.Of((long)at, (long)at + data.Length) : FuzzRanges.Of(0, 1);
        part.Remove(request.Rest!);
        Expect(part.IsEmpty, $"{data.Length} bytes at {at:x} are outside of {Describe(request)}, or come twice");
        request.Rest!.Remove((long)at, (long)at + data.Length);
        long wrong = sent.Export!.Content is { } content
            ? content.FindWrong((long)at, data, request.SentAt)
            : sent.Export.IsForgetful ? data.IndexOfAnyExcept((byte)0) : -1;
        Expect(wrong < 0, $"byte {wrong:x} is not what it must be, in the answer to {Describe(request)}");
    }

    private void Complete(FuzzRequest request)
    {
        _ = sent.Requests.Remove(request);
        ushort type = request.Header.Type;
        Note(4, KindOf(request), request.Error, (uint)sent.Form, (uint)sent.Export!.Name.Length);
        Note(5, KindOf(request), (uint)(request.Header.Flags & 0x3f), request.Error, (uint)sent.Form);
        if (request.Error == 0)
        {
            if (type == NBD_CMD_BLOCK_STATUS)
                Expect(Asked(request)?.Count == 0, $"contexts are missing in the answer to {Describe(request)}");
            Expect(request.MaySucceed, $"success for {Describe(request)}");
            Expect(type != NBD_CMD_READ || request.Rest!.IsEmpty, $"bytes are missing in the answer to {Describe(request)}");
        }
        if (request.Change is not { } change)
            return;
        // What fails on the device may have done a part; what is refused has done nothing.
        if (request.Error is 0 || sent.Export.MayFail || request.Error == NBD_ESHUTDOWN)
            sent.Export.Content!.Answered(change, request.Error == 0);
        else
            sent.Export.Content!.Refused(change);
    }

    private void CheckError(FuzzRequest request, uint error)
    {
        if (request.Header.Type == NBD_CMD_BLOCK_STATUS)
            _ = Asked(request);
        bool mayBeOvertaken = HasFinishedSending
            && request.Header.Type is NBD_CMD_WRITE or NBD_CMD_TRIM or NBD_CMD_WRITE_ZEROES;
        Expect(
            request.Errors.Contains(error) || (error == NBD_ESHUTDOWN && mayBeOvertaken),
            $"error {error} for {Describe(request)}, which may be answered "
            + (request.MaySucceed ? "success " : "") + string.Join(' ', request.Errors));
        Expect(FuzzRules.Known.Contains(error), $"error {error} is unknown to the protocol");
    }

    // Null when there is none, or when it cannot be said which is meant.
    private FuzzRequest? Find(ulong cookie)
    {
        FuzzRequest? found = null;
        foreach (FuzzRequest request in sent.Requests)
        {
            if (request.Header.Cookie != cookie)
                continue;
            if (found is null)
                found = request;
            else if (found.Header != request.Header || !found.Payload.Span.SequenceEqual(request.Payload.Span))
                IsBlind = true;
        }
        Expect(found is not null, $"reply to cookie {cookie:x}, which nothing in flight has");
        return IsBlind ? null : found;
    }

    // All commands that there are not count as one.
    private static uint KindOf(FuzzRequest request) => Math.Min(request.Header.Type, (uint)NBD_CMD_BLOCK_STATUS + 1);

    private string Describe(FuzzRequest request) => $"{request.Header} on {sent.Export!.Name}";
}
