using DmIo.Nbd.Sockets;
using Microsoft.Extensions.Logging;

namespace DmIo.Nbd;

/// <summary>
/// Who may connect, and how often: counts the connections that are open. On the front loop, but for the figures.
/// </summary>
internal sealed class Admission(NbdLimits limits, NbdAllow allow, TimeProvider time, ILogger logger)
{
    private readonly Dictionary<PeerIdentity, int> _open = [];
    private readonly RefusalLog _told = new(time);
    private int _count;
    private long _notAllowed;
    private long _tooMany;
    private long _tooManyOfPeer;

    /// <summary>Connections that are open. From any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>What was refused so far. From any thread.</summary>
    public NbdRefusals Refusals => new(
        Volatile.Read(ref _notAllowed), Volatile.Read(ref _tooMany), Volatile.Read(ref _tooManyOfPeer));

    /// <summary>What holds for those who come from now on; who is there stays.</summary>
    public NbdLimits Limits { get; set; } = limits;

    /// <inheritdoc cref="Limits"/>
    public NbdAllow Allow { get; set; } = allow;

    /// <summary>Whether a peer is let in; then it counts until <see cref="Leave"/>.</summary>
    /// <param name="identity">Who it is.</param>
    /// <param name="peer">Who it is, for people.</param>
    public bool TryEnter(PeerIdentity identity, string peer)
    {
        PeerIdentity group = identity.Group;
        int open = _open.GetValueOrDefault(group);
        if (!Allow.Allows(identity))
        {
            Interlocked.Increment(ref _notAllowed);
            if (_told.IsDue("allow", identity, out long more))
                logger.NotAllowed(peer, More(more));
        }
        else if (_count >= Limits.MaxConnections)
        {
            Interlocked.Increment(ref _tooMany);
            if (_told.IsDue("all", default, out long more))
                logger.TooManyConnections(peer, Limits.MaxConnections, More(more));
        }
        else if (open >= Limits.MaxConnectionsPerPeer)
        {
            Interlocked.Increment(ref _tooManyOfPeer);
            if (_told.IsDue("peer", group, out long more))
                logger.TooManyOfPeer(peer, Limits.MaxConnectionsPerPeer, group.ToString(), More(more));
        }
        else
        {
            Enter(identity);
            return true;
        }
        return false;
    }

    /// <summary>Counts a peer that whoever started the process has let in, until <see cref="Leave"/>.</summary>
    public void Enter(PeerIdentity identity)
    {
        PeerIdentity group = identity.Group;
        _open[group] = _open.GetValueOrDefault(group) + 1;
        Interlocked.Increment(ref _count);
    }

    /// <summary>A connection that was let in has ended.</summary>
    public void Leave(PeerIdentity identity)
    {
        PeerIdentity group = identity.Group;
        if (--_open[group] == 0)
            _open.Remove(group);
        Interlocked.Decrement(ref _count);
    }

    private static string More(long count) => count == 0 ? "" : $"; as were {count} more since this was last said";
}
