using DmIo.Nbd.Sockets;

namespace DmIo.Nbd.Transmission;

/// <summary>
/// Over TCP the end of a connection stands behind the bytes before it, and while the server is held up with its receive
/// buffer full, it cannot arrive. So after a long silence the client has to acknowledge a reply, where one that is gone
/// sends a reset, before anything more of what it sent is started.
/// </summary>
internal sealed partial class NbdConnection
{
    // Arbitrary: longer than a busy device leaves a full queue without a reply, shorter than anyone waits who then gives
    // up and connects again (the kernel's shortest time-out is 1 s).
    private static readonly TimeSpan s_silence = TimeSpan.FromMilliseconds(100);

    // Nothing tells when an acknowledgement has come. 5 ms: it takes a round trip, and at most 40 ms where it is delayed.
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(5);

    private ITimer? _lookAgain;
    private bool _looksAgain;
    private bool _hasStopped;

    // When the connection stopped to start requests, started the last one or sent the last reply.
    private long _movedAt;

    // How many bytes had been sent when the silence ended; what is sent from there on must be acknowledged. Or -1.
    private long _silentUntil = -1;

    // The reply that it must acknowledge is on its way.
    private bool AwaitsSignOfLife => _silentUntil >= 0 && _transport.SentBytes > _silentUntil;

    // Before a send, and before memory that was waited for is used.
    private void NoteSilence()
    {
        if (_loop.Time.GetElapsedTime(_movedAt) > s_silence)
            _silentUntil = _transport.SentBytes;
    }

    private void NoteMove() => _movedAt = _loop.Time.GetTimestamp();

    // Nothing more is started for now. Who looks in vain whether it may go on has not moved.
    private void NoteStop()
    {
        if (!_hasStopped || _requestsThisTurn > 0)
            NoteMove();
        _hasStopped = true;
    }

    private bool MustAwaitSignOfLife()
    {
        if (_silentUntil < 0)
            return false;
        CloseIfPeerIsGone(EndReason.Closed);
        if (_isClosed)
            return true;
        if (_transport.SentBytes - SocketCalls.UnacknowledgedBytes(Fd) > _silentUntil)
        {
            _silentUntil = -1;
            return false;
        }
        if (AwaitsSignOfLife && !_looksAgain)
        {
            _looksAgain = true;
            _lookAgain ??= _loop.Time.CreateTimer(_ => LookAgain(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _lookAgain.Change(s_lookAgain, Timeout.InfiniteTimeSpan);
        }
        return true;
    }

    private void LookAgain()
    {
        _looksAgain = false;
        EndBatch();
    }
}
