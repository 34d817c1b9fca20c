namespace DmIo.Nbd.Sockets;

/// <summary>Who is at the other end of a connection.</summary>
/// <param name="Identity">To be let in or not.</param>
/// <param name="Text">For people: address and port, or the process and user behind a Unix socket.</param>
internal readonly record struct SocketPeer(PeerIdentity Identity, string Text);
