using System.Runtime.InteropServices;
using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo.Daemon.Hosting;

/// <summary>System calls on descriptors that the process was started with.</summary>
internal static unsafe partial class DescriptorCalls
{
    public const int StandardInput = 0;
    public const int StandardOutput = 1;

    private const string Library = "libc";

    // Behind standard error.
    private const int FirstFree = 3;

    public static bool IsSocket(int fd) => KindOf(fd) == S_IFSOCK;

    public static bool IsPipe(int fd) => KindOf(fd) == S_IFIFO;

    /// <summary>Moves a standard stream to a descriptor of its own; what is left in its place leads nowhere.</summary>
    public static int TakeAway(int standard)
    {
        int taken = Libc.FileControl(standard, F_DUPFD_CLOEXEC, FirstFree);
        if (taken < 0)
            throw new IOException($"fcntl: {Libc.Describe(Libc.LastErrno)}");
        LeadNowhere(standard);
        return taken;
    }

    /// <summary>Nobody reads or writes there any more.</summary>
    public static void LeadNowhere(int standard)
    {
        int nowhere = Libc.Open("/dev/null", O_RDWR | O_CLOEXEC, 0);
        if (nowhere < 0 || Duplicate(nowhere, standard) < 0)
            throw new IOException($"/dev/null: {Libc.Describe(Libc.LastErrno)}");
        _ = Libc.Close(nowhere);
    }

    /// <summary>Two sockets that are each other's peers.</summary>
    public static (int A, int B) MakePair()
    {
        int* pair = stackalloc int[2];
        if (SocketPair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
            throw new IOException($"socketpair: {Libc.Describe(Libc.LastErrno)}");
        return (pair[0], pair[1]);
    }

    private static int KindOf(int fd)
    {
        StatXBuffer stat;
        return Libc.StatX(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stat) == 0
            ? stat.Mode & S_IFMT
            : 0;
    }

    [LibraryImport(Library, EntryPoint = "dup2", SetLastError = true)]
    private static partial int Duplicate(int from, int to);

    [LibraryImport(Library, EntryPoint = "socketpair", SetLastError = true)]
    private static partial int SocketPair(int domain, int type, int protocol, int* pair);
}
