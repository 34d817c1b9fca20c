using System.Net;
using System.Runtime.InteropServices;
using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo.Nbd.Sockets;

/// <summary>Options and addresses of accepted sockets, without the runtime's own socket engine.</summary>
internal static unsafe partial class SocketCalls
{
    /// <summary>Room for the address of any peer (<c>struct sockaddr_storage</c>).</summary>
    public const int AddressBytes = 128;

    private const string Library = "libc";
    private const int AF_INET = 2;
    private const int AF_INET6 = 10;
    private const int SOL_SOCKET = 1;
    private const int SO_SNDBUF = 7;
    private const int SO_KEEPALIVE = 9;
    private const int SO_PEERCRED = 17;
    private const int SO_SNDBUFFORCE = 32;
    private const int SO_DOMAIN = 39;
    private const nuint SIOCOUTQ = 0x5411;
    private const int IPPROTO_TCP = 6;
    private const int TCP_NODELAY = 1;
    private const int TCP_KEEPIDLE = 4;
    private const int TCP_KEEPINTVL = 5;
    private const int TCP_KEEPCNT = 6;

    /// <summary>Sets the options that the socket of a client is to have.</summary>
    public static void SetUp(int fd)
    {
        if (!IsTcp(fd))
        {
            EnlargeSendBuffer(fd);
            return;
        }
        SetNoDelay(fd);
        KeepAlive(fd);
    }

    // Small replies go out at once; the specification asks both ends for it.
    private static void SetNoDelay(int fd)
    {
        int on = 1;
        _ = SetSocketOption(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(int));
    }

    // A peer whose machine or network is gone says nothing: it is asked when it has been silent for so long, ten times, and
    // its slot is free again. Ten minutes in all: longer than a cable is out, and much shorter than the system's two hours.
    private const int KeepAliveIdleSeconds = 300;
    private const int KeepAliveIntervalSeconds = 30;
    private const int KeepAliveProbes = 10;

    // Has the kernel find out when a TCP peer is gone without a word.
    private static void KeepAlive(int fd)
    {
        int on = 1;
        int idle = KeepAliveIdleSeconds;
        int interval = KeepAliveIntervalSeconds;
        int probes = KeepAliveProbes;
        _ = SetSocketOption(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(int));
        _ = SetSocketOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(int));
        _ = SetSocketOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(int));
        _ = SetSocketOption(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(int));
    }

    // Takes the whole reply of a large read in one call, so that client and server copy at the same time: 1.36 times
    // the throughput of 1 MiB reads (src/DmIo/Loops/README.md). TCP sizes its buffers itself.
    private const int UnixSendBufferBytes = 2 << 20;

    // What was meant for a privileged daemon, otherwise what the system's limit (net.core.wmem_max) leaves of it.
    private static void EnlargeSendBuffer(int fd)
    {
        int bytes = UnixSendBufferBytes;
        if (SetSocketOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(int)) != 0)
            _ = SetSocketOption(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(int));
    }

    /// <summary>
    /// Bytes of a TCP connection that its peer has not acknowledged; zero for other sockets, which have no such thing.
    /// </summary>
    public static long UnacknowledgedBytes(int fd)
    {
        int bytes = 0;
        return IsTcp(fd) && Libc.IoCtl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
    }

    /// <summary>Who is at the other end of a connection.</summary>
    public static SocketPeer PeerOf(int fd)
    {
        byte* address = stackalloc byte[AddressBytes];
        uint length = AddressBytes;
        return PeerOf(
            fd, GetPeerName(fd, address, &length) == 0 ? new ReadOnlySpan<byte>(address, (int)length) : default);
    }

    /// <summary>Who is at the other end of a connection; the address is known though it may be gone already.</summary>
    public static SocketPeer PeerOf(int fd, ReadOnlySpan<byte> address)
    {
        if (EndPointOf(address) is IPEndPoint ip)
        {
            if (ip.Address.IsIPv4MappedToIPv6)
                ip.Address = ip.Address.MapToIPv4();
            return new SocketPeer(new PeerIdentity(ip.Address, null), ip.ToString());
        }
        int* credentials = stackalloc int[3];
        uint length = 3 * sizeof(int);
        if (DomainOf(fd) != AF_UNIX || GetSocketOption(fd, SOL_SOCKET, SO_PEERCRED, credentials, &length) != 0)
            return new SocketPeer(default, "unknown");
        uint user = (uint)credentials[1];
        return new SocketPeer(new PeerIdentity(null, user), $"unix:pid={credentials[0]},uid={user}");
    }

    private static bool IsTcp(int fd) => DomainOf(fd) is AF_INET or AF_INET6;

    private static int DomainOf(int fd)
    {
        int domain = 0;
        uint length = sizeof(int);
        return GetSocketOption(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 ? domain : 0;
    }

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetSocketOption(int fd, int level, int name, void* value, uint length);

    [LibraryImport(Library, EntryPoint = "getpeername", SetLastError = true)]
    private static partial int GetPeerName(int fd, void* address, uint* length);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int GetSocketOption(int fd, int level, int name, void* value, uint* length);
}
