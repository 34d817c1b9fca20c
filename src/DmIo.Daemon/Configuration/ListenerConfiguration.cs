using System.Globalization;
using System.Net;
using System.Net.Sockets;
using DmIo.Nbd;

namespace DmIo.Daemon.Configuration;

/// <summary>Where clients are let in: a Unix socket or a TCP endpoint.</summary>
/// <param name="Place">Where the configuration says so.</param>
/// <param name="UnixPath">Absolute path of the socket, or null.</param>
/// <param name="Endpoint">Address and port, or null.</param>
internal sealed record ListenerConfiguration(string Place, string? UnixPath, IPEndPoint? Endpoint)
{
    // sun_path holds 108 bytes, the closing zero included (unix(7)).
    private const int UnixPathLimitBytes = 107;

    /// <summary>Who may connect to a Unix socket; null for what the umask says.</summary>
    public UnixSocketAccess? Access { get; init; }

    /// <summary>The socket, where it is there already.</summary>
    public PassedSocket? Passed { get; init; }

    /// <summary>Whether the command line names it.</summary>
    public bool IsOfOptions { get; init; }

    /// <summary>The address as people write it.</summary>
    public string Address => UnixPath ?? Endpoint!.ToString();

    /// <summary>A socket that is there already.</summary>
    public static ListenerConfiguration Of(string place, PassedSocket passed) =>
        new(place, passed.UnixPath, passed.Address as IPEndPoint) { Passed = passed };

    public static ListenerConfiguration? Unix(string place, string path, Mistakes mistakes)
    {
        int length = System.Text.Encoding.UTF8.GetByteCount(path);
        if (path.Length == 0)
            mistakes.Add(place, "the socket's path is empty; name a file such as /run/dmio-nbd/nbd.sock");
        else if (length > UnixPathLimitBytes)
            mistakes.Add(place,
                $"the path is {length} bytes long and a Unix socket's holds {UnixPathLimitBytes}; use a shorter one");
        else
            return new(place, Path.GetFullPath(path), null);
        return null;
    }

    public static ListenerConfiguration? Tcp(string place, string text, Mistakes mistakes)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "" : text[..colon];
        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (bracketed)
            host = host[1..^1];
        bool isAddress = IPAddress.TryParse(host == "localhost" ? "127.0.0.1" : host, out IPAddress? address);
        bool isPort = ushort.TryParse(text[(colon + 1)..], NumberStyles.None, null, out ushort port);
        if (isAddress && isPort && bracketed == (address!.AddressFamily == AddressFamily.InterNetworkV6))
            return new(place, null, new IPEndPoint(address, port));
        mistakes.Add(
            place, $"'{text}' is no HOST:PORT; write an address and a port, such as 127.0.0.1:10809 or [::1]:10809");
        return null;
    }
}
