using DmIo.Linux;

namespace DmIo.Daemon.Configuration;

/// <summary>What can be told of a file or disk without opening it as a device.</summary>
/// <param name="Exists">Whether there is anything of that name.</param>
/// <param name="SizeBytes">Its size, when it can be used.</param>
/// <param name="Problem">Why it cannot be used, with the remedy; null when it can.</param>
/// <param name="Identity">What tells it from others, whatever names it goes by.</param>
/// <param name="IsUnavailable">The problem is that it cannot be had, now; there may be nothing wrong with it.</param>
internal sealed record LegFile(
    bool Exists, long SizeBytes, string? Problem, string Identity, bool IsUnavailable = false)
{
    /// <summary>What else can be done about a leg of a mirror that cannot be had.</summary>
    public const string WithoutIt = "; or serve without it (--degraded)";

    /// <summary>How a file that does not exist is created by whoever starts the daemon, and by everyone else.</summary>
    public const string ByCreate = " (--create makes files of the right size)";

    /// <inheritdoc cref="ByCreate"/>
    public const string ByTruncate = " (truncate -s SIZE makes a sparse one)";

    /// <summary>The problem, with all that can be done about it.</summary>
    /// <param name="howToCreate">How a file that does not exist is created.</param>
    /// <param name="otherRemedy">What else can be done when it cannot be had.</param>
    public string ProblemWith(string howToCreate, string otherRemedy) =>
        $"{Problem}{(Exists ? "" : howToCreate)}{(IsUnavailable ? otherRemedy : "")}";

    public static unsafe LegFile Probe(string path)
    {
        StatXBuffer stat;
        if (Libc.StatX(LinuxConstants.AT_FDCWD, path, 0, LinuxConstants.STATX_BASIC_STATS, &stat) != 0)
        {
            Errno errno = Libc.LastErrno;
            string reason = errno == Errno.ENOENT
                ? "does not exist; create it first"
                : $"{errno} ({Libc.Describe(errno)}); run as a user who may read and write it";
            return new(errno != Errno.ENOENT, 0, reason, path, IsUnavailable: true);
        }
        switch (stat.Mode & LinuxConstants.S_IFMT)
        {
            case LinuxConstants.S_IFREG:
                return new(true, (long)stat.SizeBytes, null, $"{stat.DevMajor}:{stat.DevMinor}/{stat.Inode}");
            case LinuxConstants.S_IFBLK:
                return OfDisk(path, $"{stat.RdevMajor}:{stat.RdevMinor}");
            default:
                return new(true, 0, "is neither a regular file nor a block device; name one of these", path);
        }
    }

    private static unsafe LegFile OfDisk(string path, string identity)
    {
        int fd = Libc.Open(path, LinuxConstants.O_RDONLY | LinuxConstants.O_CLOEXEC, 0);
        long size = 0;
        bool told = fd >= 0 && Libc.IoCtl(fd, LinuxConstants.BLKGETSIZE64, &size) == 0;
        Errno errno = told ? Errno.None : Libc.LastErrno;
        if (fd >= 0)
            _ = Libc.Close(fd);
        string? problem = told ? null : $"{errno} ({Libc.Describe(errno)}); run as a user who may read and write it";
        return new(true, size, problem, $"{identity}#{ReadSequence(identity)}", IsUnavailable: !told);
    }

    // A disk that was unplugged and comes back has a new number in the kernel's sequence of disks, if perhaps the same
    // device number. A kernel that does not count leaves the device number alone.
    private static string ReadSequence(string number)
    {
        try
        {
            return File.ReadAllText($"/sys/dev/block/{number}/diskseq").Trim();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
