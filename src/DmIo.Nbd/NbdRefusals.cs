namespace DmIo.Nbd;

/// <summary>Connections that were closed as soon as they came, since the server was made.</summary>
/// <param name="NotAllowed">The peer is not allowed.</param>
/// <param name="TooMany">As many were open as there may be.</param>
/// <param name="TooManyOfPeer">As many of the peer's were open as it may have.</param>
public sealed record NbdRefusals(long NotAllowed, long TooMany, long TooManyOfPeer);
