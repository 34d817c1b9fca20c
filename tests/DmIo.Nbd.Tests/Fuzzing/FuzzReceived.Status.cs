using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <content>BLOCK_STATUS.</content>
internal sealed partial class FuzzReceived
{
    // The contexts that are yet to come; null when the request asks for none that can be had. Known only now: the ids
    // came with a reply.
    private HashSet<uint>? Asked(FuzzRequest request)
    {
        if (request.Contexts is not null || !request.MaySucceed)
            return request.Contexts;
        bool hasPayload = sent.Form == ReplyForm.Extended && (request.Header.Flags & NBD_CMD_FLAG_PAYLOAD_LEN) != 0;
        if (!hasPayload)
        {
            request.RangeBytes = request.Header.Length;
            return request.Contexts = [.. sent.Contexts.Values];
        }
        var ids = new List<uint>();
        var reader = new WireReader(request.Payload.Span);
        if (reader.Remaining >= sizeof(ulong))
            request.RangeBytes = reader.ReadUInt64();
        while (reader.Remaining >= sizeof(uint))
            ids.Add(reader.ReadUInt32());
        bool isValid = reader.Remaining == 0 && ids.Count > 0 && ids.Distinct().Count() == ids.Count
            && ids.TrueForAll(sent.Contexts.ContainsValue) && request.RangeBytes > 0
            && FuzzRules.IsInside(request.Header.Offset, request.RangeBytes, sent.Export!);
        if (!isValid)
            request.Errors.Add(NBD_EINVAL);
        return isValid ? request.Contexts = [.. ids] : null;
    }

    private void TakeStatus(FuzzRequest request, WireReader reader)
    {
        bool isExtended = sent.Form == ReplyForm.Extended;
        Expect(reader.Remaining >= (isExtended ? 8 : 4), "status chunk that is too short");
        uint id = reader.ReadUInt32();
        Expect(
            Asked(request) is { } asked && asked.Remove(id) && request.Error == 0,
            $"status of context {id} for {Describe(request)}");
        int extentBytes = isExtended ? 16 : 8;
        long count = isExtended ? reader.ReadUInt32() : reader.Remaining / extentBytes;
        Expect(count > 0 && reader.Remaining == count * extentBytes, $"status chunk of {count} extents has a wrong length");
        Expect(
            count == 1 || (request.Header.Flags & NBD_CMD_FLAG_REQ_ONE) == 0, $"{count} extents for {Describe(request)}");
        bool isAllocation = sent.Contexts.First(c => c.Value == id).Key == "base:allocation";
        UInt128 at = 0;
        ulong? before = null;
        for (; count > 0; count--)
        {
            ulong length = isExtended ? reader.ReadUInt64() : reader.ReadUInt32();
            ulong status = isExtended ? reader.ReadUInt64() : reader.ReadUInt32();
            Expect(length > 0 && at + length <= request.RangeBytes, $"extent of {length} bytes for {Describe(request)}");
            Expect(status != before, $"neighbours of status {status} for {Describe(request)}");
            before = status;
            CheckStatus(request, (long)(request.Header.Offset + (ulong)at), (long)length, status, isAllocation);
            at += length;
        }
    }

    private void CheckStatus(FuzzRequest request, long at, long length, ulong status, bool isAllocation)
    {
        // Legs are all there and equal, whatever clients do.
        Expect(status <= (isAllocation ? 3u : 0u), $"status {status} for {Describe(request)}");
        if (isAllocation && (status & NBD_STATE_ZERO) != 0 && sent.Export!.Content is { } content)
        {
            long wrong = content.FindNonZero(at, at + length, request.SentAt);
            Expect(wrong < 0, $"byte {wrong:x} is not zero, but is said to be so to {Describe(request)}");
        }
    }
}
