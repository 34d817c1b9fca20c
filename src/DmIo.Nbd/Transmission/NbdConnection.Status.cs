using System.Collections.Immutable;
using DmIo.Nbd.Edge;
using DmIo.Nbd.Status;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Transmission;

/// <summary>BLOCK_STATUS, with its range in the header or, with extended headers, in a payload that names contexts too.</summary>
internal sealed partial class NbdConnection
{
    /// <summary>A mistake of the server's met a request: it is answered all the same.</summary>
    public void FailStatus(NbdRequest request, Exception exception)
    {
        _logger.StatusBug(Client.Peer, Printable.Name(_export.Name), exception);
        request.Finish(Errno.EIO);
    }

    private ParseResult? BeginStatus(in RequestHeader header, bool hasPayload)
    {
        ImmutableArray<MetaContext> contexts = _contexts;
        ulong length = header.Length;
        int payload = hasPayload ? (int)header.Length : 0;
        Errno refused = Errno.None;
        if (hasPayload)
        {
            // A payload that names some of the contexts once has no more bytes than this; longer ones are passed over.
            bool fits = StatusPayload.MayBe(payload, _contexts.Length);
            if (fits && _received.UnreadBytes < _headerBytes + payload)
                return ParseResult.NeedsBytes;
            if (!fits || !StatusPayload.TryParse(
                _received.Unread.Slice(_headerBytes, payload), _contexts, out length, out contexts))
            {
                refused = Errno.EINVAL;
            }
            else
            {
                refused = length == 0 ? Errno.EINVAL : RequestRules.CheckRange(header, length, _export);
            }
        }
        NbdRequest request = _memory.RentRequest();
        request.Begin(this, header);
        if (refused != Errno.None)
        {
            Accept(request, 0);
            (_refused, _refusal, _refusedRest) = (request, refused, payload);
            return null;
        }
        request.SetStatus(contexts, (long)length, (header.Flags & NBD_CMD_FLAG_REQ_ONE) != 0);
        int buffer = request.StatusBytes(Form);
        if (_inFlightCount > 0 && _bytesInFlight + buffer > _limits.MaxBytesInFlight)
        {
            request.Release();
            return ParseResult.HeldUp;
        }
        if (!_memory.TryRent(this, request, buffer))
        {
            request.Release();
            return ParseResult.WaitsForMemory;
        }
        Accept(request, buffer);
        _received.Skip(payload);
        request.StartPlan(StatusPlan.Instance);
        return null;
    }
}
