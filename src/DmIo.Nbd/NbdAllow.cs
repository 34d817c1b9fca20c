using System.Net;
using DmIo.Nbd.Sockets;

namespace DmIo.Nbd;

/// <summary>
/// Who may connect. A list that is empty keeps nobody out; one that is not keeps out all others, those on the loopback
/// address as well. Each list is for its own kind of socket.
/// </summary>
public sealed record NbdAllow
{
    private const int Ipv4MappedBits = 96;

    private readonly IReadOnlyList<IPNetwork> _networks = [];

    /// <summary>
    /// Networks that TCP peers may come from. Networks of IPv4 mapped into IPv6 (<c>::ffff:10.0.0.0/104</c>) mean the same
    /// as those of IPv4, whichever kind of socket the peer came to.
    /// </summary>
    public IReadOnlyList<IPNetwork> Networks
    {
        get => _networks;
        init => _networks = [.. value.Select(Unmapped)];
    }

    /// <summary>Users whose processes may connect to Unix sockets, by number.</summary>
    public IReadOnlyList<uint> UserIds { get; init; } = [];

    /// <summary>Whether a peer may connect.</summary>
    internal bool Allows(PeerIdentity peer) => peer switch
    {
        { Address: { } address } => Networks.Count == 0 || Networks.Any(n => Contains(n, address)),
        { UserId: { } user } => UserIds.Count == 0 || UserIds.Contains(user),
        _ => Networks.Count == 0 && UserIds.Count == 0,
    };

    private static bool Contains(IPNetwork network, IPAddress address) =>
        network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address);

    // A mapped base has the whole of its 96 bits in the prefix: a network's other bits are zero.
    private static IPNetwork Unmapped(IPNetwork network) =>
        network.BaseAddress.IsIPv4MappedToIPv6
            ? new IPNetwork(network.BaseAddress.MapToIPv4(), network.PrefixLength - Ipv4MappedBits)
            : network;
}
