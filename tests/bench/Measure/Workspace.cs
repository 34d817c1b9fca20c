using DmIo.SideBySide.Cells;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Native;
using DmIo.SideBySide.Servers;
using Microsoft.Win32.SafeHandles;

namespace DmIo.SideBySide.Measure;

/// <summary>Two private directories, one in memory and one on a disk, with the legs in them. Removed at the end.</summary>
internal sealed class Workspace : IDisposable
{
    private const string MemoryRoot = "/dev/shm";
    private const int ChunkBytes = 1 << 20;
    private const int LogBytes = 4 << 20; // Room for the bits and the record of legs with as many regions as blocks.
    private readonly string _memory;
    private readonly string _disk;
    private readonly long _legBytes;
    private readonly HashSet<string> _legs = [];
    private int _launches;

    public Workspace(string diskRoot, long legBytes)
    {
        if (new DriveInfo(diskRoot).DriveFormat is "tmpfs" or "ramfs")
        {
            throw new NbdException($"{diskRoot} lies in memory; name a directory on a disk with --disk-dir");
        }

        _legBytes = legBytes;
        string name = $"side-by-side-{Environment.ProcessId}";
        _memory = Directory.CreateDirectory(Path.Combine(MemoryRoot, name), UserOnly).FullName;
        _disk = Directory.CreateDirectory(Path.Combine(diskRoot, name), UserOnly).FullName;
    }

    private static UnixFileMode UserOnly => UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>A directory for things that are not legs.</summary>
    public string Scratch(string name) => Directory.CreateDirectory(Path.Combine(_disk, name)).FullName;

    /// <summary>
    /// A fresh directory and socket, a log of zeroes, and the legs, filled when first asked for. All servers of a cell
    /// serve the same legs, one at a time, so that none has the luckier pages; those that lock them take sets in turn.
    /// </summary>
    public Launch Prepare(ServerForm form, Medium medium, bool direct, int legSet = 0)
    {
        string directory = Scratch($"run{++_launches}");
        string set = legSet == 0 ? "" : $"-{legSet}";
        return new Launch(
            Path.Combine(directory, "nbd"),
            form.Mirrors
                ? [Leg("mirrored-a" + set, medium, _legBytes), Leg("mirrored-b" + set, medium, _legBytes)]
                : [Leg("single" + set, medium, _legBytes)],
            Log($"log{set}", medium),
            directory,
            direct);
    }

    /// <summary>Drops all legs, when the next cells want others.</summary>
    public void DropLegs()
    {
        foreach (string leg in _legs)
        {
            File.Delete(leg);
        }

        _legs.Clear();
    }

    /// <summary>Takes a leg's clean pages out of the page cache, so that O_DIRECT meets none.</summary>
    public static void Evict(string leg)
    {
        using SafeFileHandle file = File.OpenHandle(leg, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(file);
        _ = Libc.posix_fadvise((int)file.DangerousGetHandle(), 0, 0, Libc.POSIX_FADV_DONTNEED);
    }

    public void Dispose()
    {
        foreach (string directory in (string[])[_memory, _disk])
        {
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }
        }
    }

    /// <summary>A leg full of data.</summary>
    public string Leg(string name, Medium medium, long bytes)
    {
        string path = PathOf(name, medium);
        if (_legs.Add(path))
        {
            RequireRoom(path, bytes);
            Fill(path, bytes);
        }

        return path;
    }

    /// <summary>A leg that is one hole.</summary>
    public string Sparse(string name, Medium medium, long bytes)
    {
        string path = PathOf(name, medium);
        if (_legs.Add(path))
        {
            using FileStream file = File.Create(path);
            file.SetLength(bytes);
        }

        return path;
    }

    /// <summary>A file of zeroes for a log.</summary>
    public string Log(string name, Medium medium)
    {
        string path = PathOf(name, medium);
        File.WriteAllBytes(path, new byte[LogBytes]);
        return path;
    }

    private string PathOf(string name, Medium medium) => Path.Combine(medium == Medium.Memory ? _memory : _disk, name);

    private static void RequireRoom(string path, long bytes)
    {
        string root = Path.GetDirectoryName(path)!;
        long free = new DriveInfo(root).AvailableFreeSpace;
        if (free < bytes + (64L << 20))
        {
            throw new NbdException($"{root} has {free >> 20} MiB free, a leg needs {bytes >> 20}; see --size-mb and --disk-dir");
        }
    }

    /// <summary>Every block is written, so that nobody reads holes; the same bytes in every leg.</summary>
    private static void Fill(string path, long bytes)
    {
        byte[] chunk = new byte[ChunkBytes];
        new Random(1).NextBytes(chunk);
        using SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        for (long offset = 0; offset < bytes; offset += ChunkBytes)
        {
            BitConverter.TryWriteBytes(chunk, offset);
            RandomAccess.Write(file, chunk.AsSpan(0, (int)Math.Min(ChunkBytes, bytes - offset)), offset);
        }

        RandomAccess.FlushToDisk(file);
    }
}
