using DmIo.Nbd;

namespace DmIo.Daemon.Control;

/// <summary>Connections that were closed as soon as they came, since the daemon was started.</summary>
/// <param name="NotAllowed">Neither their addresses nor their users are allowed.</param>
/// <param name="TooMany">As many were open as there may be.</param>
/// <param name="TooManyOfPeer">As many were open of their address or user as it may have.</param>
internal sealed record RefusedConnectionsInfo(long NotAllowed, long TooMany, long TooManyOfPeer)
{
    public static RefusedConnectionsInfo Of(NbdRefusals refusals) =>
        new(refusals.NotAllowed, refusals.TooMany, refusals.TooManyOfPeer);
}
