using DmIo.Linux;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// How a client leaves, and what it left behind: nothing of that may start later than what it, or whoever comes after
/// it, has asked for on another connection.
/// </summary>
internal sealed unsafe partial class NbdConnection
{
    private bool _hasFinishedSending;
    private bool _isOvertaken;

    /// <summary>
    /// Another client has asked for something since this one has closed its sending side: its changes that had not been
    /// started are answered ESHUTDOWN, if it is still there to hear it.
    /// </summary>
    public void Overtaken()
    {
        _isOvertaken = true;
        AbandonInFlight();
        _logger.Overtaken(Client.Peer, Printable.Name(_export.Name));
    }

    /// <inheritdoc/>
    protected override void OnHangUp(bool isGone)
    {
        if (isGone)
            Close(ReasonOfGoing());
        else
            FinishedSending();
    }

    private void FinishedSending()
    {
        if (_hasFinishedSending || _isClosed)
            return;
        _hasFinishedSending = true;
        _export.HalfClosed.Add(this);
    }

    // A DISC that nothing stands before any more was in time: what had come before it is under way and owed.
    private EndReason ReasonOfGoing()
    {
        byte* next = stackalloc byte[ExtendedRequestHeaderBytes];
        var header = new Span<byte>(next, _headerBytes);
        nint got = Math.Min(_received.UnreadBytes, _headerBytes);
        _received.Unread[..(int)got].CopyTo(header);
        if (got == 0)
        {
            var vector = new IoVec((nint)next, _headerBytes);
            got = _transport.Receive(&vector, 1, out Errno errno);
            if (got < 0 && errno != Errno.EAGAIN)
                return _transport.Broken("receive", errno);
        }
        if (_partial is not null || _refused is not null)
            return EndReason.Truncated;
        if (got < _headerBytes || RequestHeader.Read(header, Form) is not { Type: NBD_CMD_DISC } last || !last.HasMagic(Form))
            return EndReason.Closed;
        _hasDisconnected = true;
        return EndReason.Disconnected;
    }

    // Who disconnected in order is owed everything that it sent before, though it may not wait for the replies.
    private void AbandonInFlight()
    {
        for (NbdRequest? request = _inFlight; request is not null && !_hasDisconnected; request = request.NextInFlight)
            request.Abandon();
    }
}
