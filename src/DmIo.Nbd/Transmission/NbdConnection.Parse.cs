using DmIo.Nbd.Edge;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// From bytes to requests: whole ones are started, a long payload is prepared for, a refused one passed over.
/// </summary>
internal sealed partial class NbdConnection
{
    // A write whose payload is still arriving into buffers of its own.
    private NbdRequest? _partial;
    private IoVector _partialRest;

    // A write that is refused: its payload is thrown away, then it is answered.
    private NbdRequest? _refused;
    private Errno _refusal;
    private long _refusedRest;

    private ParseResult Parse()
    {
        while (true)
        {
            if (!FinishRefused() || !FinishPartial())
                return ParseResult.NeedsBytes;
            if (_requestsThisTurn >= MaxRequestsPerTurn || _bytesThisTurn >= MaxBytesPerTurn)
                return ParseResult.TurnIsOver;
            if (_received.UnreadBytes < _headerBytes)
                return ParseResult.NeedsBytes;
            if (!MayStartMore || MustAwaitSignOfLife())
                return ParseResult.HeldUp;
            if (!_memory.TryAdmit(this))
                return ParseResult.WaitsForMemory;
            ParseResult? stop = Begin(RequestHeader.Read(_received.Unread, Form));
            if (stop is { } result)
                return result;
            if (_isClosed || _isDraining)
                return ParseResult.NeedsBytes;
        }
    }

    /// <returns>Null when the header was understood and its request is under way.</returns>
    private ParseResult? Begin(in RequestHeader header)
    {
        if (!header.HasMagic(Form))
        {
            Close(EndReason.BadMagic);
            return null;
        }
        bool hasPayload = header.HasPayload(Form);
        if (Form == ReplyForm.Extended && hasPayload && header.Length > (uint)_limits.MaxPayloadBytes)
        {
            Close(EndReason.LongPayload);
            return null;
        }
        if (header.Type == NBD_CMD_DISC)
        {
            _hasDisconnected = true;
            Drain(EndReason.Disconnected);
            return null;
        }
        if (!_isOvertaken)
            _export.HalfClosed.OvertakenBy(this);
        Errno refused = _isExportGone || (_isOvertaken && RequestRules.Changes(header))
            ? Errno.ESHUTDOWN
            : RequestRules.Check(header, _export, Form, !_contexts.IsEmpty, _limits.MaxPayloadBytes);
        if (header.Type == NBD_CMD_BLOCK_STATUS && refused == Errno.None)
            return BeginStatus(header, hasPayload);
        if (refused != Errno.None || (header.Length == 0 && header.Type != NBD_CMD_FLUSH))
        {
            NbdRequest request = _memory.RentRequest();
            request.Begin(this, header);
            Accept(request, 0);
            if (hasPayload && header.Length > 0)
                (_refused, _refusal, _refusedRest) = (request, refused, (long)header.Length);
            else
                request.Refuse(refused);
            return null;
        }
        if (header.Type > NBD_CMD_WRITE)
            return BeginWithoutPayload(header);
        if (_inFlightCount > 0 && _bytesInFlight + (long)header.Length > _limits.MaxBytesInFlight)
            return ParseResult.HeldUp;
        return hasPayload ? BeginWrite(header) : BeginRead(header);
    }

    private ParseResult? BeginRead(in RequestHeader header)
    {
        NbdRequest request = Prepare(header);
        if (!_memory.TryRent(this, request, request.RangeCount.Bytes))
        {
            request.Release();
            return ParseResult.WaitsForMemory;
        }
        request.SetPayload();
        Accept(request, (long)header.Length);
        request.StartPlan(DirectPlan.Reading);
        return null;
    }

    private ParseResult? BeginWrite(in RequestHeader header)
    {
        int unread = _received.UnreadBytes - _headerBytes;
        int length = (int)header.Length;
        bool takesAnyMemory = Device.MemoryAlignmentBytes == 1;
        NbdRequest request = Prepare(header);
        bool inPlace = request.IsAligned && takesAnyMemory;
        long item = _headerBytes + (long)length;
        if (inPlace && unread < length && (_received.Fits(item) || ReceiveBuffer.IsCheapToMove(item)))
        {
            request.Release();
            return ParseResult.NeedsBytes;
        }
        // In place lies what is there, in whole blocks: devices take no segment that is not.
        int lies = !inPlace ? 0 : Math.Min(unread, length) & -Device.LogicalBlockBytes;
        if (lies > 0)
            _received.Lend(request, _headerBytes, lies);
        int scratch = request.IsAligned ? 0 : Device.LogicalBlockBytes;
        if (lies < length && !_memory.TryRent(this, request, request.RangeCount.Bytes - lies, scratch))
        {
            request.Release();
            return ParseResult.WaitsForMemory;
        }
        Accept(request, length);
        _received.Skip(lies);
        request.SetPayload();
        int copied = Math.Min(unread, length) - lies;
        if (copied > 0)
            _received.TakeCopy(request.Payload.Slice(lies, copied));
        (_partial, _partialRest) = (request, request.Payload.Slice(lies + copied, length - lies - copied));
        return null;
    }

    private ParseResult? BeginWithoutPayload(in RequestHeader header)
    {
        NbdRequest request = Prepare(header);
        int scratch = header.Type switch
        {
            NBD_CMD_WRITE_ZEROES when !request.IsAligned => Device.LogicalBlockBytes,
            NBD_CMD_CACHE => CachePlan.ScratchBytes(request),
            _ => 0,
        };
        if (scratch > 0 && !_memory.TryRent(this, request, 0, scratch))
        {
            request.Release();
            return ParseResult.WaitsForMemory;
        }
        Accept(request, 0);
        request.StartPlan(header.Type switch
        {
            NBD_CMD_FLUSH => FlushPlan.Instance,
            NBD_CMD_TRIM => TrimPlan.Instance,
            NBD_CMD_CACHE => CachePlan.Instance,
            _ => ZeroPlan.Instance,
        });
        return null;
    }

    // Throws away what came of a refused write's payload.
    private bool FinishRefused()
    {
        if (_refused is not { } request)
            return true;
        int here = (int)Math.Min(_refusedRest, _received.UnreadBytes);
        _received.Skip(here);
        _refusedRest -= here;
        if (_refusedRest > 0)
            return false;
        _refused = null;
        request.Refuse(_refusal);
        return !_isClosed;
    }

    private bool FinishPartial()
    {
        if (_partial is not { } request)
            return true;
        if (_partialRest.LengthBytes > 0)
            return false;
        _partial = null;
        _partialRest = default;
        if (request.IsAbandoned)
            request.Refuse(Errno.ESHUTDOWN);
        else
            request.StartPlan(request.IsAligned ? DirectPlan.Writing : PatchedWritePlan.Instance);
        return !_isClosed;
    }

    // The connection ends before the payload of these has come.
    private void ReleaseUnfinished()
    {
        if (_partial is { } partial)
        {
            _partial = null;
            Released(partial);
        }
        if (_refused is { } refused)
        {
            _refused = null;
            Released(refused);
        }
    }

    private NbdRequest Prepare(in RequestHeader header)
    {
        NbdRequest request = _memory.RentRequest();
        request.Begin(this, header);
        if (header.Type != NBD_CMD_FLUSH)
            request.SetRange();
        request.Durable = (header.Flags & NBD_CMD_FLAG_FUA) != 0;
        request.KeepAllocated = (header.Flags & NBD_CMD_FLAG_NO_HOLE) != 0;
        return request;
    }

    // The header is understood and the request under way.
    private void Accept(NbdRequest request, long countedBytes)
    {
        _memory.Served(this);
        _received.Skip(_headerBytes);
        request.CountedBytes = countedBytes;
        request.NextInFlight = _inFlight;
        if (_inFlight is not null)
            _inFlight.PreviousInFlight = request;
        _inFlight = request;
        _inFlightCount++;
        _bytesInFlight += countedBytes;
        _requestsThisTurn++;
        _bytesThisTurn += countedBytes;
    }
}
