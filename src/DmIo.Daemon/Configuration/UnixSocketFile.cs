using DmIo.Linux;

namespace DmIo.Daemon.Configuration;

/// <summary>Tells sockets from other files.</summary>
internal static unsafe class UnixSocketFile
{
    private const int S_IFSOCK = 0xc000;

    public static bool Is(string path)
    {
        StatXBuffer stat;
        return Libc.StatX(LinuxConstants.AT_FDCWD, path, 0, LinuxConstants.STATX_BASIC_STATS, &stat) == 0
            && (stat.Mode & LinuxConstants.S_IFMT) == S_IFSOCK;
    }
}
