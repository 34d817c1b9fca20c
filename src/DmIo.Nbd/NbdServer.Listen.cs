using System.Net;
using DmIo.Linux;
using DmIo.Nbd.Sockets;

namespace DmIo.Nbd;

/// <summary>How clients come in.</summary>
public sealed partial class NbdServer
{
    /// <summary>
    /// Takes connections on a Unix socket. The file of a socket that nobody listens on is replaced.
    /// </summary>
    /// <param name="path">Where the socket's file is made.</param>
    /// <param name="access">Who may connect, from the first moment on; null for what the process's umask says.</param>
    /// <exception cref="NbdListenException">
    /// The path or its rights cannot be had; another server listening there is such a reason.
    /// </exception>
    public Task<NbdListener> ListenUnixAsync(string path, UnixSocketAccess? access = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        return ListenAsync(() => ListenSocket.OpenUnix(path, access));
    }

    /// <summary>
    /// Takes connections on a TCP address; port 0 takes a free one, which the listener tells. Addresses of IPv6 take IPv6
    /// alone, [::] too.
    /// </summary>
    /// <exception cref="NbdListenException">The address cannot be had.</exception>
    public Task<NbdListener> ListenTcpAsync(IPEndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return ListenAsync(() => ListenSocket.OpenTcp(endpoint));
    }

    /// <summary>
    /// Takes connections on a socket that was passed to this process, and closes its descriptor at the end. Clients that come
    /// then, or have come and were not taken yet, wait for the next process that gets the socket; a Unix socket's file stays.
    /// </summary>
    public Task<NbdListener> ListenAsync(PassedSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return ListenAsync(() => ListenSocket.TakeOver(socket));
    }

    /// <summary>Serves a client whose connection is there already, and returns when it has ended.</summary>
    /// <param name="descriptor">A connected stream socket, which the server closes, whatever comes of it.</param>
    /// <param name="peer">Who it is; null to ask the socket.</param>
    /// <exception cref="ObjectDisposedException">The server stops.</exception>
    public Task ServeAsync(int descriptor, string? peer = null) => _loop.InvokeAsync(async () =>
    {
        if (_isStopping)
        {
            _ = Libc.Close(descriptor);
            throw new ObjectDisposedException(nameof(NbdServer));
        }
        SocketPeer found = SocketCalls.PeerOf(descriptor);
        _admission.Enter(found.Identity);
        ServedClient client = Welcome(descriptor, found.Identity, peer ?? found.Text);
        await NegotiateAsync(descriptor, client);
        while (_connections.Any(c => c.Client == client))
        {
            if (_changed.Task.IsCompleted)
                _changed = new TaskCompletionSource();
            await _changed.Task;
        }
    });

    private void Accepted(int fd, SocketPeer peer)
    {
        if (!_admission.TryEnter(peer.Identity, peer.Text))
        {
            _ = Libc.Close(fd);
            return;
        }
        ServedClient client = Welcome(fd, peer.Identity, peer.Text);
        _ = _loop.InvokeAsync(() => NegotiateAsync(fd, client));
    }

    private ServedClient Welcome(int fd, PeerIdentity identity, string peer)
    {
        SocketCalls.SetUp(fd);
        return new ServedClient(++_lastClient, peer, identity, _admission.Limits, _loop.Time.GetUtcNow());
    }

    private Task<NbdListener> ListenAsync(Func<BoundSocket> open) => _loop.InvokeAsync(() =>
    {
        ObjectDisposedException.ThrowIf(_isStopping, this);
        var listener = new NbdListener(_loop, open(), _logger, Accepted);
        _listeners.Add(listener);
        return new ValueTask<NbdListener>(listener);
    });
}
