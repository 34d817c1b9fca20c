using DmIo.Nbd.Sockets;

namespace DmIo.Nbd;

/// <summary>A client, from its first byte on.</summary>
/// <param name="Id">Counts the server's clients from 1.</param>
/// <param name="Peer">Where it comes from, made printable.</param>
/// <param name="Identity">Who it is, as far as the kernel vouches for it.</param>
/// <param name="Limits">What held when it came, and holds for it.</param>
/// <param name="Since">When it came.</param>
internal sealed record ServedClient(
    long Id, string Peer, PeerIdentity Identity, NbdLimits Limits, DateTimeOffset Since)
{
    /// <summary>How its connection is encrypted; null when it is not, or not yet.</summary>
    public NbdTlsInfo? Tls { get; set; }
}
