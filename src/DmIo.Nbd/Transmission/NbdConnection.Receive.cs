using DmIo.Linux;

namespace DmIo.Nbd.Transmission;

/// <summary>From the socket into the chunk, and of a long payload's rest straight into its buffers.</summary>
internal sealed unsafe partial class NbdConnection
{
    // What one turn starts before its replies go out: enough to spread the cost of the calls, little enough that data
    // is sent while it is still in the cache.
    private const int MaxRequestsPerTurn = 64;
    private const long MaxBytesPerTurn = 1 << 20;

    private bool _readable;
    private bool _isDry;
    private bool _isHeldUp;
    private int _requestsThisTurn;
    private long _bytesThisTurn;

    private bool MayStartMore =>
        _inFlightCount < _limits.MaxRequestsInFlight && _sender.UnsentBytes <= _limits.MaxUnsentBytes;

    // Understands what there is and receives more, until the socket is empty, the turn is over or a limit is reached.
    private void Pump()
    {
        if (_isClosed || _isDraining)
            return;
        _isHeldUp = false;
        _isDry = false;
        _requestsThisTurn = 0;
        _bytesThisTurn = 0;
        while (true)
        {
            ParseResult result = Parse();
            if (_isClosed || _isDraining)
                return;
            if (result == ParseResult.TurnIsOver)
            {
                _hasStopped = false;
                _batchEnd.AtBatchEnd(_loop);
                return;
            }
            if (result is ParseResult.HeldUp or ParseResult.WaitsForMemory)
            {
                _isHeldUp = result == ParseResult.HeldUp;
                NoteStop();
                return;
            }
            if (!_readable || _isDry || !Receive())
                break;
        }
        if (WaitsForMemory)
            NoteStop();
        else
            _hasStopped = false;
        if (!_isClosed)
            _received.ReleaseIfEmpty();
    }

    /// <returns>Whether bytes came that may be understood at once.</returns>
    private bool Receive()
    {
        bool hasRoom = _received.TryMakeRoom(wait: _partial is null);
        if (!hasRoom && _partial is null)
            return false;
        if (_early.Length > 0)
        {
            _received.Append(_early);
            _early = [];
            return true;
        }
        IoVec* vectors = _memory.ReceiveVectors;
        int count = 0;
        nint asked = 0;
        if (_partial is not null)
        {
            foreach (IoSegment segment in _partialRest)
                vectors[count++] = new IoVec(segment.Address, segment.LengthBytes);
            asked = (nint)_partialRest.LengthBytes;
        }
        if (hasRoom)
        {
            IoSegment room = _received.Room;
            vectors[count++] = new IoVec(room.Address, room.LengthBytes);
            asked += room.LengthBytes;
        }
        nint got = ReceiveInto(vectors, count);
        if (got <= 0)
            return false;
        _moves += got;
        if (got < asked)
        {
            // A short read empties the socket, but cannot tell whether the peer has closed behind it: look again when
            // the replies are out.
            _batchEnd.AtBatchEnd(_loop);
            _isDry = true;
        }
        int intoPayload = (int)Math.Min(got, _partial is null ? 0 : _partialRest.LengthBytes);
        if (intoPayload > 0)
            _partialRest = _partialRest.Slice(intoPayload, _partialRest.LengthBytes - intoPayload);
        _received.Received((int)got - intoPayload);
        return true;
    }

    private nint ReceiveInto(IoVec* vectors, int count)
    {
        nint got = _transport.Receive(vectors, count, out Errno errno);
        if (got == 0)
            EndOfStream();
        else if (got < 0 && errno == Errno.EAGAIN)
            _readable = false;
        else if (got < 0)
            Close(_transport.Broken("receive", errno));
        return got;
    }

    // The client may have closed its sending side alone and wait for replies: what came whole is served.
    private void EndOfStream()
    {
        bool inTheMiddle = _received.UnreadBytes > 0 || _partial is not null || _refused is not null;
        EndReason reason = inTheMiddle ? EndReason.Truncated : EndReason.Closed;
        CloseIfPeerIsGone(reason);
        if (_isClosed)
            return;
        FinishedSending();
        ReleaseUnfinished();
        Drain(reason);
    }
}
