using System.Net;

namespace DmIo.Nbd.Sockets;

/// <summary>
/// Who is at the other end of a connection, as far as the kernel vouches for it: the address of a TCP peer, or the user
/// that connected to a Unix socket. Neither, for anything else.
/// </summary>
/// <param name="Address">The address; one of IPv4 that came mapped into IPv6 is the IPv4 address.</param>
/// <param name="UserId">The user.</param>
internal readonly record struct PeerIdentity(IPAddress? Address, uint? UserId)
{
    // The first half of an IPv6 address is the network; hosts choose the second half as often as they like.
    private const int NetworkBytes = 8;

    /// <summary>
    /// What connections are counted by: addresses that one host may have at will count as one.
    /// </summary>
    public PeerIdentity Group
    {
        get
        {
            if (Address is not { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 } address
                || address.IsIPv6LinkLocal || IPAddress.IsLoopback(address))
            {
                return this;
            }
            byte[] bytes = address.GetAddressBytes();
            Array.Clear(bytes, NetworkBytes, bytes.Length - NetworkBytes);
            return new PeerIdentity(new IPAddress(bytes), null);
        }
    }

    /// <summary>Who that is, for people.</summary>
    public override string ToString() => (Address, UserId) switch
    {
        (_, { } user) => $"user {user}",
        ({ } address, _) => address.ToString(),
        _ => "others",
    };
}
