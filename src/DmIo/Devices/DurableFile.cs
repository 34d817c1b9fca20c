using System.Text;
using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo;

/// <summary>
/// A small file that is replaced as a whole and durably: after a crash at any instant it holds the old contents or the
/// new, and after <see cref="ReplaceAsync"/> has returned it holds the new.
/// </summary>
public sealed class DurableFile : IDisposable
{
    private readonly Lane _lane;

    /// <summary>Creates the owner of one file on a loop; the file need not exist.</summary>
    public DurableFile(IoLoop loop, string path)
    {
        ArgumentNullException.ThrowIfNull(loop);
        FilePath = System.IO.Path.GetFullPath(path);
        _lane = loop.OpenLane($"dmio-state {System.IO.Path.GetFileName(path)}", 1);
    }

    /// <summary>The file's absolute path.</summary>
    public string FilePath { get; }

    /// <summary>Reads the file; null when there is none. Only on the loop.</summary>
    /// <exception cref="IOException">It is there and cannot be read.</exception>
    public Task<string?> ReadAsync() => _lane.RunAsync(() => File.Exists(FilePath) ? File.ReadAllText(FilePath) : null);

    /// <summary>Replaces the file: new file, sync, rename, sync of the directory. Only on the loop.</summary>
    /// <returns><see cref="Errno.None"/> when the new contents are durable.</returns>
    public Task<Errno> ReplaceAsync(string contents) => _lane.RunAsync(() => Replace(contents));

    /// <inheritdoc/>
    public void Dispose() => _lane.Dispose();

    private unsafe Errno Replace(string contents)
    {
        string fresh = FilePath + ".new";
        int fd = Libc.Open(fresh, O_RDWR | O_CREAT | O_CLOEXEC, 0x180); // 0600
        if (fd < 0)
            return Libc.LastErrno;
        byte[] bytes = Encoding.UTF8.GetBytes(contents);
        Errno errno = Libc.FTruncate(fd, 0) == 0 ? WriteAll(fd, bytes) : Libc.LastErrno;
        if (errno == Errno.None && Libc.FSync(fd) != 0)
            errno = Libc.LastErrno;
        _ = Libc.Close(fd);
        if (errno != Errno.None)
            return errno;
        try
        {
            File.Move(fresh, FilePath, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Errno.EIO;
        }
        return SyncDirectory(System.IO.Path.GetDirectoryName(FilePath)!);
    }

    private static unsafe Errno WriteAll(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (int done = 0; done < bytes.Length;)
            {
                nint n = Libc.Write(fd, start + done, bytes.Length - done);
                if (n < 0 && Libc.LastErrno != Errno.EINTR)
                    return Libc.LastErrno;
                done += (int)Math.Max(n, 0);
            }
        }
        return Errno.None;
    }

    private static Errno SyncDirectory(string path)
    {
        int fd = Libc.Open(path, O_RDONLY | O_CLOEXEC, 0);
        if (fd < 0)
            return Libc.LastErrno;
        Errno errno = Libc.FSync(fd) == 0 ? Errno.None : Libc.LastErrno;
        _ = Libc.Close(fd);
        return errno;
    }
}
