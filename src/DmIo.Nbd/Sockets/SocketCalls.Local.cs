using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo.Nbd.Sockets;

// What a socket is that this process was started with, and whom the file of one belongs to.
internal static unsafe partial class SocketCalls
{
    private const int SO_TYPE = 3;
    private const int SO_ACCEPTCONN = 30;
    private const uint NoChange = uint.MaxValue;

    // Where sun_path begins in struct sockaddr_un.
    private const int PathOffset = 2;

    /// <summary>The socket's type, such as <see cref="SOCK_STREAM"/>; null, with the reason, for what is no socket.</summary>
    public static int? TypeOf(int fd, out Errno errno)
    {
        int type = 0;
        uint length = sizeof(int);
        int result = GetSocketOption(fd, SOL_SOCKET, SO_TYPE, &type, &length);
        errno = result == 0 ? Errno.None : Libc.LastErrno;
        return result == 0 ? type : null;
    }

    /// <summary>Whether connections can be accepted from the socket.</summary>
    public static bool IsListening(int fd)
    {
        int listens = 0;
        uint length = sizeof(int);
        return GetSocketOption(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens != 0;
    }

    /// <summary>The socket's own address; null when it is neither TCP nor Unix.</summary>
    public static EndPoint? LocalAddress(int fd)
    {
        byte* address = stackalloc byte[AddressBytes];
        uint length = AddressBytes;
        return GetSocketName(fd, address, &length) == 0 ? EndPointOf(new ReadOnlySpan<byte>(address, (int)length)) : null;
    }

    /// <summary>Keeps a descriptor from programs that this process starts.</summary>
    public static void CloseOnExec(int fd) => _ = Libc.FileControl(fd, F_SETFD, FD_CLOEXEC);

    /// <summary>Lets no call on the socket wait, whoever else has it.</summary>
    public static void SetNonBlocking(int fd) =>
        _ = Libc.FileControl(fd, F_SETFL, Libc.FileControl(fd, F_GETFL, 0) | O_NONBLOCK);

    /// <summary>
    /// Says, before it is bound, with which mode the file of a Unix socket is made; the umask takes its part of it.
    /// </summary>
    public static Errno SetModeToBe(int fd, UnixFileMode mode) =>
        ChangeMode(fd, (uint)mode) == 0 ? Errno.None : Libc.LastErrno;

    /// <summary>Gives a file its mode, whatever the umask.</summary>
    public static Errno SetMode(string path, UnixFileMode mode) =>
        ChangeMode(path, (uint)mode) == 0 ? Errno.None : Libc.LastErrno;

    /// <summary>Gives a file to another group.</summary>
    public static Errno SetGroup(string path, uint groupId) =>
        ChangeOwner(path, NoChange, groupId) == 0 ? Errno.None : Libc.LastErrno;

    private static EndPoint? EndPointOf(ReadOnlySpan<byte> address)
    {
        switch (address.Length < PathOffset ? 0 : MemoryMarshal.Read<ushort>(address))
        {
            case AF_INET:
                return new IPEndPoint(new IPAddress(address.Slice(4, 4)), Port(address));
            case AF_INET6:
                uint scope = MemoryMarshal.Read<uint>(address[24..]);
                return new IPEndPoint(new IPAddress(address.Slice(8, 16), scope), Port(address));
            case AF_UNIX when address.Length > PathOffset && address[PathOffset] == 0:
                // A name outside the file system: all of it counts.
                return new UnixDomainSocketEndPoint(Encoding.UTF8.GetString(address[PathOffset..]));
            case AF_UNIX when address.Length > PathOffset:
                ReadOnlySpan<byte> path = address[PathOffset..];
                int end = path.IndexOf((byte)0);
                return new UnixDomainSocketEndPoint(Encoding.UTF8.GetString(end < 0 ? path : path[..end]));
            default:
                return null;
        }
    }

    private static int Port(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt16BigEndian(address[2..]);

    [LibraryImport(Library, EntryPoint = "getsockname", SetLastError = true)]
    private static partial int GetSocketName(int fd, void* address, uint* length);

    [LibraryImport(Library, EntryPoint = "fchmod", SetLastError = true)]
    private static partial int ChangeMode(int fd, uint mode);

    [LibraryImport(Library, EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeMode(string path, uint mode);

    [LibraryImport(Library, EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);
}
