using DmIo.Linux;

namespace DmIo.Nbd.Tls;

/// <summary>What tells a file from what lay at its path before: links are followed. All zero when there is none.</summary>
internal readonly record struct FileStamp(
    ulong Inode, ulong SizeBytes, uint Major, uint Minor, long ModifiedSeconds, uint ModifiedNanoseconds)
{
    public static unsafe FileStamp Of(string path)
    {
        StatXBuffer stat;
        return Libc.StatX(LinuxConstants.AT_FDCWD, path, 0, LinuxConstants.STATX_BASIC_STATS, &stat) == 0
            ? new(stat.Inode, stat.SizeBytes, stat.DevMajor, stat.DevMinor, stat.ModifiedSeconds, stat.ModifiedNanoseconds)
            : default;
    }
}
