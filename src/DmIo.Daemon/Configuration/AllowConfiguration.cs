using System.Globalization;
using System.Net;
using System.Net.Sockets;
using DmIo.Nbd;

namespace DmIo.Daemon.Configuration;

/// <summary>Who may connect, as the daemon was told. What is empty keeps nobody out.</summary>
internal sealed record AllowConfiguration
{
    private const int Ipv4Bits = 32;
    private const int Ipv6Bits = 128;

    /// <summary>Where the configuration names networks.</summary>
    public string NetworksPlace { get; init; } = "--allow-address";

    /// <summary>Networks that may connect over TCP.</summary>
    public IReadOnlyList<IPNetwork> Networks { get; init; } = [];

    /// <summary>Where the configuration names users.</summary>
    public string UserIdsPlace { get; init; } = "--allow-uid";

    /// <summary>Users that may connect to Unix sockets.</summary>
    public IReadOnlyList<uint> UserIds { get; init; } = [];

    /// <summary>What the server is told.</summary>
    public NbdAllow ForServer => new() { Networks = Networks, UserIds = UserIds };

    /// <summary>An address or a network, such as 192.0.2.0/24; null, and a mistake, when it is none.</summary>
    public static IPNetwork? Network(string place, string text, Mistakes mistakes)
    {
        string[] parts = text.Split('/');
        if (parts.Length > 2 || Address(parts[0]) is not { } address)
        {
            mistakes.Add(place, $"'{text}' is no address or network; write one such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32");
            return null;
        }
        int bits = address.AddressFamily == AddressFamily.InterNetwork ? Ipv4Bits : Ipv6Bits;
        int prefix = bits;
        if (parts.Length == 2
            && !(int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out prefix) && prefix <= bits))
        {
            mistakes.Add(place, $"'{text}': '{parts[1]}' is no length of a prefix; write a number from 0 to {bits}");
            return null;
        }
        IPAddress start = Masked(address, prefix);
        if (start.Equals(address))
            return new IPNetwork(address, prefix);
        mistakes.Add(
            place, $"'{text}' has bits set behind its first {prefix}; write {start}/{prefix} for the network, or {address} for the host");
        return null;
    }

    /// <summary>A user by number or name; null, and a mistake, when there is none.</summary>
    public static uint? User(string place, string text, Mistakes mistakes)
    {
        // The last number means nobody to the kernel.
        bool isNumber = text.Length > 0 && text.All(char.IsAsciiDigit);
        if (isNumber && uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number != uint.MaxValue)
            return number;
        if (!isNumber && AccountNames.FindUser(text) is { } id)
            return id;
        mistakes.Add(place, isNumber
            ? $"{text} is no user's number; write one from 0 to {uint.MaxValue - 1}, or a name"
            : $"there is no user '{text}' on this machine; write the name of one (getent passwd), or a number");
        return null;
    }

    /// <summary>Adds what is wrong with it: lists for sockets that there are none of would keep nobody out.</summary>
    public void Check(IReadOnlyList<ListenerConfiguration> listeners, Mistakes mistakes)
    {
        if (listeners.Count == 0)
            return;
        if (Networks.Count > 0 && listeners.All(l => l.UnixPath is not null))
            mistakes.Add(NetworksPlace, "addresses are for TCP, and all listeners are Unix sockets; name users, or leave it out");
        if (UserIds.Count > 0 && listeners.All(l => l.Endpoint is not null))
            mistakes.Add(UserIdsPlace, "users are for Unix sockets, and all listeners are TCP; name addresses, or leave it out");
    }

    // As people write them: the library also takes 1 and 0x7f.1.
    private static IPAddress? Address(string text) =>
        IPAddress.TryParse(text, out IPAddress? address)
            && (address.AddressFamily == AddressFamily.InterNetwork ? address.ToString() == text : address.ScopeId == 0 && !text.Contains('['))
            ? address : null;

    private static IPAddress Masked(IPAddress address, int prefix)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++)
        {
            int left = Math.Clamp(prefix - 8 * i, 0, 8);
            bytes[i] &= (byte)(0xff << (8 - left));
        }
        return new IPAddress(bytes);
    }
}
