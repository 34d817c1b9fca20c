using System.Net;
using System.Net.Sockets;
using System.Text;
using DmIo.Linux;

namespace DmIo.Nbd.Sockets;

/// <summary>Makes bound, listening, non-blocking sockets.</summary>
internal static class ListenSocket
{
    // As many as the kernel queues by default (net.core.somaxconn on older ones); more wait in connect.
    private const int Backlog = 128;

    // sockaddr_un holds 108 bytes, the last of them a NUL.
    private const int MaxPathBytes = 107;

    /// <summary>Of IPv6, [::] takes IPv6 alone: the same port of IPv4 is another listener's.</summary>
    public static BoundSocket OpenTcp(IPEndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        return Listen(socket, endpoint, endpoint.ToString(), null, "choose another port, or stop what listens there");
    }

    /// <summary>
    /// A socket file that nobody listens on is replaced; one that is in use is left alone. Nobody can connect before the
    /// file has the rights that it is to have.
    /// </summary>
    public static BoundSocket OpenUnix(string path, UnixSocketAccess? access)
    {
        if (Encoding.UTF8.GetByteCount(path) is 0 or > MaxPathBytes)
            throw new NbdListenException($"{path}: a socket path has 1 to {MaxPathBytes} bytes; shorten it");
        RemoveStale(path);
        return Listen(
            MakeUnix(path, access), new UnixDomainSocketEndPoint(path), path, access, "make its directory, or choose another path");
    }

    /// <summary>
    /// A Unix socket whose file, when it is bound, never has wider rights than it is to have: not even until chmod.
    /// </summary>
    public static Socket MakeUnix(string path, UnixSocketAccess? access)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (access?.Mode is not { } mode)
            return socket;
        Errno errno = SocketCalls.SetModeToBe((int)socket.SafeHandle.DangerousGetHandle(), mode);
        if (errno == Errno.None)
            return socket;
        socket.Dispose();
        throw Refused(errno, path, "cannot be given its mode; choose another path");
    }

    /// <summary>Takes over a socket that listens already.</summary>
    public static BoundSocket TakeOver(PassedSocket passed)
    {
        SocketCalls.SetNonBlocking(passed.Descriptor);
        return new(passed.Descriptor, passed.Address, passed.UnixPath, passed);
    }

    /// <summary>
    /// What tells a socket file from one that another process put in its place; null when there is none.
    /// </summary>
    public static unsafe (ulong Inode, uint Major, uint Minor, long Seconds, uint Nanoseconds)? Identify(string path)
    {
        StatXBuffer stat;
        int result = Libc.StatX(
            LinuxConstants.AT_FDCWD, path, 0, LinuxConstants.STATX_BASIC_STATS | LinuxConstants.STATX_BTIME, &stat);
        return result == 0
            ? (stat.Inode, stat.DevMajor, stat.DevMinor, stat.BirthSeconds, stat.BirthNanoseconds)
            : null;
    }

    private static BoundSocket Listen(
        Socket socket, EndPoint endpoint, string name, UnixSocketAccess? access, string remedy)
    {
        try
        {
            int fd = (int)socket.SafeHandle.DangerousGetHandle();
            socket.Blocking = false;
            socket.Bind(endpoint);
            if (access is not null)
                Restrict(name, access);
            socket.Listen(Backlog);
            EndPoint address = socket.LocalEndPoint!;
            socket.SafeHandle.SetHandleAsInvalid();
#pragma warning disable CA1816 // The descriptor is the listener's from here on.
            GC.SuppressFinalize(socket);
#pragma warning restore CA1816
            return new(fd, address, address is UnixDomainSocketEndPoint ? name : null);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new NbdListenException($"{name}: {e.Message}; {remedy}", e);
        }
        catch (NbdListenException)
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Restrict(string path, UnixSocketAccess access)
    {
        if (access.GroupId is { } group)
        {
            Require(
                SocketCalls.SetGroup(path, group), path,
                $"cannot be given to group {group}; run as root or as a member of the group");
        }
        if (access.Mode is { } mode)
            Require(SocketCalls.SetMode(path, mode), path, "cannot be given its mode; choose another path");
    }

    private static void Require(Errno errno, string path, string problem)
    {
        if (errno != Errno.None)
            throw Refused(errno, path, problem);
    }

    private static NbdListenException Refused(Errno errno, string path, string problem) =>
        new($"{path}: {problem} ({Libc.Describe(errno)})");

    private static void RemoveStale(string path)
    {
        if (!Path.Exists(path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path);
            return;
        }
        catch (SocketException e) when (!IsSocket(path))
        {
            throw new NbdListenException($"{path}: is there and is no socket; move it away or choose another path", e);
        }
        catch (SocketException e)
        {
            throw new NbdListenException($"{path}: {e.Message}; remove it if nobody needs it", e);
        }
        throw new NbdListenException($"{path}: another server listens there; stop it or choose another path");
    }

    private static unsafe bool IsSocket(string path)
    {
        StatXBuffer stat;
        return Libc.StatX(LinuxConstants.AT_FDCWD, path, 0, LinuxConstants.STATX_BASIC_STATS, &stat) == 0
            && (stat.Mode & LinuxConstants.S_IFMT) == LinuxConstants.S_IFSOCK;
    }
}
