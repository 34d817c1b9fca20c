using DmIo.Daemon.CommandLine;
using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo.Daemon.Hosting;

/// <summary>What this run has made, so that a start that fails leaves nothing behind.</summary>
internal sealed class CreatedFiles
{
    private readonly List<string> _files = [];
    private readonly List<string> _directories = [];
    private readonly List<(string Path, HashSet<string> Before)> _watched = [];

    /// <summary>Makes a directory for the user alone, and those above it that are missing.</summary>
    public void MakeDirectory(string path)
    {
        if (Directory.Exists(path))
            return;
        if (Path.GetDirectoryName(path) is { } parent)
            MakeDirectory(parent);
        try
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException(ExitCode.Failure, $"{path} cannot be made: {e.Message}");
        }
        _directories.Add(path);
    }

    /// <summary>Makes a sparse file; never touches one that is there.</summary>
    public void MakeLeg(string path, long sizeBytes)
    {
        const int readWriteForUser = 0x180; // 0600
        int fd = Libc.Open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, readWriteForUser);
        if (fd < 0)
            throw Failure(path, Libc.LastErrno);
        _files.Add(path);
        Errno errno = Libc.FTruncate(fd, sizeBytes) == 0 ? Errno.None : Libc.LastErrno;
        _ = Libc.Close(fd);
        if (errno != Errno.None)
            throw Failure(path, errno);
    }

    /// <summary>Counts what appears in a directory from now on among what this run has made.</summary>
    public void Watch(string directory) => _watched.Add((directory, [.. Entries(directory)]));

    /// <summary>
    /// Removes all of it again; what others have put into a directory of ours stays, and the directory with it.
    /// </summary>
    public void Remove()
    {
        foreach ((string path, HashSet<string> before) in _watched)
            _files.AddRange(Entries(path).Where(e => !before.Contains(e) && File.Exists(e)));
        foreach (string file in _files)
            File.Delete(file);
        for (int i = _directories.Count - 1; i >= 0; i--)
        {
            if (Directory.Exists(_directories[i]) && !Entries(_directories[i]).Any())
                Directory.Delete(_directories[i]);
        }
    }

    private static IEnumerable<string> Entries(string directory) =>
        Directory.Exists(directory) ? Directory.EnumerateFileSystemEntries(directory) : [];

    private static StartException Failure(string path, Errno errno) =>
        new(ExitCode.Failure, $"{path} cannot be made: {errno} ({Libc.Describe(errno)})");
}
