using System.Net;
using System.Net.Sockets;
using DmIo.Nbd.Sockets;
using Microsoft.Extensions.Logging;

namespace DmIo.Nbd;

/// <summary>An address at which a server takes connections, until the server stops.</summary>
public sealed class NbdListener
{
    private readonly KernelLoop _loop;
    private readonly Socket _socket;
    private readonly ILogger _logger;
    private readonly AcceptWatch _watch;
    private readonly (ulong, uint, uint, long, uint)? _identity;

    internal NbdListener(KernelLoop loop, Socket socket, string? unixPath, ILogger logger, Action<int, string> accepted)
    {
        _loop = loop;
        _socket = socket;
        _logger = logger;
        Address = socket.LocalEndPoint!;
        UnixPath = unixPath;
        _identity = unixPath is null ? null : ListenSocket.Identify(unixPath);
        _watch = new AcceptWatch(
            loop, (int)socket.SafeHandle.DangerousGetHandle(), unixPath is null, ToString(), logger, accepted);
        loop.Watch(_watch);
        logger.Listening(ToString());
    }

    /// <summary>
    /// The bound address: of TCP an <see cref="IPEndPoint"/> with the port that was given out for port 0.
    /// </summary>
    public EndPoint Address { get; }

    /// <summary>The path of a Unix socket; null for TCP.</summary>
    public string? UnixPath { get; }

    /// <summary>The address as people write it.</summary>
    public override string ToString() => UnixPath ?? Address.ToString()!;

    /// <summary>Takes no more connections; a Unix socket's file is removed if it is still this listener's.</summary>
    internal void Close()
    {
        _watch.Close();
        _loop.Unwatch(_watch);
        if (UnixPath is not null && _identity is not null && ListenSocket.Identify(UnixPath) == _identity)
            File.Delete(UnixPath);
        // The socket's own disposal would delete whatever lies at the path by now.
        _socket.SafeHandle.Dispose();
#pragma warning disable CA1816 // Nor may its finalizer.
        GC.SuppressFinalize(_socket);
#pragma warning restore CA1816
        _logger.ListenerClosed(ToString());
    }
}
