using System.Net;
using DmIo.Linux;
using DmIo.Nbd.Sockets;
using Microsoft.Extensions.Logging;

namespace DmIo.Nbd;

/// <summary>An address at which a server takes connections, until the server stops.</summary>
public sealed class NbdListener
{
    private readonly KernelLoop _loop;
    private readonly BoundSocket _socket;
    private readonly ILogger _logger;
    private readonly AcceptWatch _watch;
    private readonly (ulong, uint, uint, long, uint)? _identity;

    internal NbdListener(KernelLoop loop, BoundSocket socket, ILogger logger, Action<int, SocketPeer> accepted)
    {
        _loop = loop;
        _socket = socket;
        _logger = logger;
        // The file of a socket that was passed is whoever's who passed it.
        _identity = UnixPath is null || socket.Passed is not null ? null : ListenSocket.Identify(UnixPath);
        _watch = new AcceptWatch(loop, socket.Fd, ToString(), logger, accepted);
        loop.Watch(_watch);
        if (socket.Passed is { } passed)
            logger.ListeningOnPassed(ToString(), passed.ToString());
        else
            logger.Listening(ToString());
    }

    /// <summary>
    /// The bound address: of TCP an <see cref="IPEndPoint"/> with the port that was given out for port 0.
    /// </summary>
    public EndPoint Address => _socket.Address;

    /// <summary>The path of a Unix socket; null for TCP.</summary>
    public string? UnixPath => _socket.UnixPath;

    /// <summary>The address as people write it.</summary>
    public override string ToString() => UnixPath ?? Address.ToString()!;

    /// <summary>
    /// Takes no more connections; a Unix socket's file is removed if it is still this listener's. At a socket that was passed
    /// clients that come now wait for the next process that gets it.
    /// </summary>
    internal void Close()
    {
        _watch.Close();
        _loop.Unwatch(_watch);
        if (UnixPath is not null && _identity is not null && ListenSocket.Identify(UnixPath) == _identity)
            File.Delete(UnixPath);
        _ = Libc.Close(_socket.Fd);
        _logger.ListenerClosed(ToString());
    }
}
