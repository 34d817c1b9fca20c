using System.Net.Sockets;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Hosting;
using DmIo.Linux;

namespace DmIo.Daemon.Control;

/// <summary>
/// The Unix socket by which the daemon is controlled, for its user alone. It takes connections from the first moment on;
/// they wait until someone answers. Owns the file and, until it is taken over, the socket.
/// </summary>
internal sealed class ControlSocket : IDisposable
{
    // People and scripts, one or two at a time.
    private const int Backlog = 16;

    private readonly (ulong Inode, uint Major, uint Minor) _identity;
    private int _fd;

    private ControlSocket(string path, int fd, (ulong, uint, uint) identity)
    {
        Path = path;
        _fd = fd;
        _identity = identity;
    }

    public string Path { get; }

    /// <summary>Binds and listens; the file of a daemon that lives no more is replaced.</summary>
    /// <exception cref="StartException">The path cannot be had; nothing was changed.</exception>
    public static ControlSocket Open(string path)
    {
        // Of two that find a stale file, one must not remove what the other has just bound.
        int directory = LockDirectory(path);
        try
        {
            RemoveStale(path);
            return Bind(path);
        }
        finally
        {
            if (directory >= 0)
                _ = Libc.Close(directory);
        }
    }

    /// <summary>Hands the socket over to whoever answers.</summary>
    public int TakeDescriptor() => Interlocked.Exchange(ref _fd, -1);

    /// <summary>Removes the file if it is still this socket's, and closes what was not taken over.</summary>
    public void Dispose()
    {
        if (Identify(Path) == _identity)
            File.Delete(Path);
        int fd = TakeDescriptor();
        if (fd >= 0)
            _ = Libc.Close(fd);
    }

    private static ControlSocket Bind(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            // Before anyone can connect.
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Listen(Backlog);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw new StartException(
                ExitCode.Failure, $"{path}: {e.Message}; name another control socket (--control PATH), or none (--control off)");
        }
        // The object would remove whatever lies at the path when it ends.
        int fd = (int)socket.SafeHandle.DangerousGetHandle();
        socket.SafeHandle.SetHandleAsInvalid();
#pragma warning disable CA1816 // Nor may its finalizer.
        GC.SuppressFinalize(socket);
#pragma warning restore CA1816
        return new ControlSocket(path, fd, Identify(path)!.Value);
    }

    private static void RemoveStale(string path)
    {
        if (!File.Exists(path))
            return;
        if (!UnixSocketFile.Is(path))
        {
            throw new StartException(
                ExitCode.Failure, $"{path} is there and is no socket; name another control socket (--control PATH)");
        }
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }
        catch (SocketException)
        {
            // Whatever is there, it is not ours to remove.
        }
        throw new StartException(
            ExitCode.Failure,
            $"{path}: another daemon is controlled there; give this one a control socket of its own (--control PATH), or "
            + "none (--control off)");
    }

    private static int LockDirectory(string path)
    {
        string directory = System.IO.Path.GetDirectoryName(path)!;
        int fd = Libc.Open(directory, LinuxConstants.O_RDONLY | LinuxConstants.O_CLOEXEC, 0);
        if (fd >= 0)
            _ = Libc.FLock(fd, LinuxConstants.LOCK_EX);
        return fd;
    }

    private static unsafe (ulong Inode, uint Major, uint Minor)? Identify(string path)
    {
        StatXBuffer stat;
        return Libc.StatX(LinuxConstants.AT_FDCWD, path, 0, LinuxConstants.STATX_BASIC_STATS, &stat) == 0
            ? (stat.Inode, stat.DevMajor, stat.DevMinor)
            : null;
    }
}
