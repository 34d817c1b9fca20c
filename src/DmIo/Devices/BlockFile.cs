using System.Runtime.InteropServices;
using DmIo.Linux;
using static DmIo.Linux.LinuxConstants;

namespace DmIo;

/// <summary>
/// An open file or disk and the blocking operations on it, safe to use from any thread. Each operation tells why it
/// failed and how many bytes it had done before.
/// </summary>
internal sealed unsafe class BlockFile : IDisposable
{
    // One copy in pieces of this size where O_DIRECT cannot take the caller's memory. Arbitrary.
    private const int BounceBytes = 1 << 20;

    private readonly bool _readOnly;
    private readonly KnownData _known = new();

    public BlockFile(FileDeviceOptions options)
    {
        Path = options.Path;
        _readOnly = options.ReadOnly;
        IsDirect = options.Direct;
        MustBeFileOrDisk();
        int flags = (_readOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC | (IsDirect ? O_DIRECT : 0);
        Fd = Libc.Open(Path, flags, 0);
        if (Fd < 0)
            throw OpenFailure(Libc.LastErrno);
        try
        {
            Inspect();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    public int Fd { get; private set; }

    public bool IsDirect { get; }

    public DeviceIdentity Identity { get; private set; }

    public int LogicalBlockBytes { get; private set; } = Sectors.SizeBytes;

    public int MemoryAlignmentBytes { get; private set; } = 1;

    /// <summary>Whether the file lies in memory, so that no operation on it waits for a disk.</summary>
    public bool IsInMemory { get; private set; }

    public bool CanDiscard { get; private set; }

    /// <summary>Reads or writes the whole vector; stops at the first error.</summary>
    public Errno Transfer(bool write, in IoVector data, long offsetBytes, int rwFlags, out long doneBytes)
    {
        if (IsDirect && !data.IsAligned(MemoryAlignmentBytes))
            return TransferBounced(write, data, offsetBytes, out doneBytes);
        return TransferAligned(write, data, offsetBytes, rwFlags, out doneBytes);
    }

    public Errno Sync()
    {
        while (Libc.FDataSync(Fd) != 0)
        {
            if (Libc.LastErrno != Errno.EINTR)
                return Libc.LastErrno;
        }
        return Errno.None;
    }

    public Errno Discard(long offsetBytes, long lengthBytes)
    {
        if (Identity.IsBlockSpecial)
        {
            ulong* range = stackalloc ulong[2] { (ulong)offsetBytes, (ulong)lengthBytes };
            return Libc.IoCtl(Fd, BLKDISCARD, range) == 0 ? Errno.None : Libc.LastErrno;
        }
        return Allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offsetBytes, lengthBytes);
    }

    public Errno WriteZeroes(long offsetBytes, long lengthBytes, bool keepAllocated, out long doneBytes)
    {
        doneBytes = 0;
        int mode = keepAllocated ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
        Errno errno = Allocate(mode | FALLOC_FL_KEEP_SIZE, offsetBytes, lengthBytes);
        if (errno == Errno.EOPNOTSUPP && Identity.IsBlockSpecial)
        {
            // A disk that cannot unmap to zeroes may still zero by a command of its own; the kernel writes otherwise.
            ulong* range = stackalloc ulong[2] { (ulong)offsetBytes, (ulong)lengthBytes };
            errno = Libc.IoCtl(Fd, BLKZEROOUT, range) == 0 ? Errno.None : Libc.LastErrno;
        }
        return errno == Errno.EOPNOTSUPP ? WriteZeroBytes(offsetBytes, lengthBytes, out doneBytes) : errno;
    }

    /// <summary>Makes a file at least that long, durably and without allocating, and looks at the size anew.</summary>
    public Errno Extend(long lengthBytes)
    {
        Errno errno = LookAtSize();
        if (errno != Errno.None || Identity.IsBlockSpecial || Identity.SizeBytes >= lengthBytes)
            return errno;
        if (Libc.FTruncate(Fd, lengthBytes) != 0)
            return Libc.LastErrno;
        errno = Sync();
        return errno == Errno.None ? LookAtSize() : errno;
    }

    /// <summary>Whether it is known without a look at the file that a range is data.</summary>
    public bool IsKnownData(Sectors start, Sectors count) => _known.EndAt(start.Bytes) >= (start + count).Bytes;

    public List<BlockExtent> FindExtents(Sectors start, Sectors count)
    {
        var extents = new List<BlockExtent>();
        long at = start.Bytes;
        long end = (start + count).Bytes;
        while (at < end && !ExtentBound.IsReached(extents, start + count))
        {
            long version = _known.Version;
            long data = at;
            long hole = _known.EndAt(at);
            if (hole < 0)
            {
                data = Seek(at, SEEK_DATA, end);
                if (data > at)
                    Add(extents, at, Math.Min(data, end), ExtentKind.Hole);
                if (data >= end)
                    break;
                hole = Seek(data, SEEK_HOLE, end);
                _known.Found(data, hole, version);
            }
            at = Math.Min(hole, end);
            Add(extents, data, at, ExtentKind.Data);
        }
        return extents;
    }

    public void Dispose()
    {
        if (Fd < 0)
            return;
        _ = Libc.Close(Fd);
        Fd = -1;
    }

    // A hole is told only where whole sectors are empty: boundaries inside a sector make it data.
    private static void Add(List<BlockExtent> extents, long from, long to, ExtentKind kind)
    {
        Sectors start = extents.Count > 0 ? extents[^1].End : Sectors.Floor(from);
        Sectors end = kind == ExtentKind.Hole ? Sectors.Floor(to) : Sectors.Ceiling(to);
        if (end > start)
            extents.Add(new BlockExtent(start, end - start, kind));
    }

    private long Seek(long at, int whence, long end)
    {
        long found = Libc.LSeek(Fd, at, whence);
        if (found >= 0)
            return found;
        return Libc.LastErrno switch
        {
            Errno.ENXIO => end,
            Errno.EINVAL => whence == SEEK_DATA ? at : end,
            Errno errno => throw new IOException($"{Path}: lseek: {Libc.Describe(errno)}"),
        };
    }

    private Errno TransferAligned(bool write, in IoVector data, long offsetBytes, int rwFlags, out long doneBytes)
    {
        doneBytes = 0;
        IoVec* vectors = stackalloc IoVec[MaxVectors];
        while (doneBytes < data.LengthBytes)
        {
            int count = 0;
            foreach (IoSegment segment in data.Slice(doneBytes, data.LengthBytes - doneBytes))
            {
                vectors[count++] = new IoVec(segment.Address, segment.LengthBytes);
                if (count == MaxVectors)
                    break;
            }
            nint n = write
                ? Libc.PWriteV2(Fd, vectors, count, offsetBytes + doneBytes, rwFlags)
                : Libc.PReadV2(Fd, vectors, count, offsetBytes + doneBytes, rwFlags);
            if (n > 0)
                doneBytes += n;
            else if (n == 0)
                return Errno.EIO; // The file has become shorter than the device.
            else if (Libc.LastErrno != Errno.EINTR)
                return Libc.LastErrno;
        }
        return Errno.None;
    }

    // Enough for a piece of dm-io; longer vectors take several calls.
    private const int MaxVectors = 256;

    private Errno TransferBounced(bool write, in IoVector data, long offsetBytes, out long doneBytes)
    {
        doneBytes = 0;
        int size = (int)Math.Min(BounceBytes, data.LengthBytes);
        void* memory = NativeMemory.AlignedAlloc((nuint)size, BufferPool.AlignmentBytes);
        try
        {
            var bounce = new IoSegment[1];
            while (doneBytes < data.LengthBytes)
            {
                int length = (int)Math.Min(size, data.LengthBytes - doneBytes);
                bounce[0] = new IoSegment((nint)memory, length);
                IoVector part = data.Slice(doneBytes, length);
                if (write)
                    part.CopyTo(bounce[0].Span);
                Errno errno = TransferAligned(write, new IoVector(bounce, 1), offsetBytes + doneBytes, 0, out long n);
                if (!write)
                    part.CopyFrom(bounce[0].Span[..(int)n]);
                doneBytes += n;
                if (errno != Errno.None)
                    return errno;
            }
            return Errno.None;
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    private Errno WriteZeroBytes(long offsetBytes, long lengthBytes, out long doneBytes)
    {
        doneBytes = 0;
        int size = (int)Math.Min(BounceBytes, lengthBytes);
        void* zeroes = NativeMemory.AlignedAlloc((nuint)size, BufferPool.AlignmentBytes);
        NativeMemory.Clear(zeroes, (nuint)size);
        try
        {
            var segment = new IoSegment[1];
            while (doneBytes < lengthBytes)
            {
                segment[0] = new IoSegment((nint)zeroes, (int)Math.Min(size, lengthBytes - doneBytes));
                Errno errno = TransferAligned(true, new IoVector(segment, 1), offsetBytes + doneBytes, 0, out long n);
                doneBytes += n;
                if (errno != Errno.None)
                    return errno;
            }
            return Errno.None;
        }
        finally
        {
            NativeMemory.AlignedFree(zeroes);
        }
    }

    private Errno Allocate(int mode, long offsetBytes, long lengthBytes)
    {
        Errno errno;
        do
            errno = Libc.FAllocate(Fd, mode, offsetBytes, lengthBytes) == 0 ? Errno.None : Libc.LastErrno;
        while (errno == Errno.EINTR);
        // Whatever it says, it may have made some of the hole.
        _known.Forget();
        return errno;
    }

    // Looked at before it is opened: to open a pipe for reading would wait for its writer.
    private void MustBeFileOrDisk()
    {
        StatXBuffer stat;
        if (Libc.StatX(AT_FDCWD, Path, 0, STATX_BASIC_STATS, &stat) == 0 && (stat.Mode & S_IFMT) is not (S_IFREG or S_IFBLK))
            throw WrongKind();
    }

    private DeviceOpenException WrongKind() =>
        new($"{Path}: neither a regular file nor a block device; name one of these", Errno.EINVAL);

    private void Inspect()
    {
        StatXBuffer stat;
        if (Libc.StatX(Fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME | STATX_DIOALIGN, &stat) != 0)
            throw OpenFailure(Libc.LastErrno);
        switch (stat.Mode & S_IFMT)
        {
            case S_IFREG:
                Identity = new(false, stat.DevMajor, stat.DevMinor, stat.Inode, (long)stat.SizeBytes)
                {
                    CreatedNs = (stat.Mask & STATX_BTIME) != 0 ? stat.BirthSeconds * 1_000_000_000 + stat.BirthNanoseconds : 0,
                };
                InspectRegular(stat);
                break;
            case S_IFBLK:
                InspectDisk(stat);
                break;
            default:
                throw WrongKind();
        }
    }

    private Errno LookAtSize()
    {
        if (Identity.IsBlockSpecial)
        {
            long size;
            if (Libc.IoCtl(Fd, BLKGETSIZE64, &size) != 0)
                return Libc.LastErrno;
            Identity = Identity with { SizeBytes = size };
            return Errno.None;
        }
        StatXBuffer stat;
        if (Libc.StatX(Fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stat) != 0)
            return Libc.LastErrno;
        Identity = Identity with { SizeBytes = (long)stat.SizeBytes };
        return Errno.None;
    }

    private void InspectRegular(in StatXBuffer stat)
    {
        if (Libc.FLock(Fd, LOCK_EX | LOCK_NB) != 0)
        {
            if (Libc.LastErrno != Errno.EAGAIN)
                throw OpenFailure(Libc.LastErrno);
            throw new DeviceOpenException(
                $"{Path}: in use by another process or by another device of this one; stop the other user first",
                Errno.EBUSY);
        }
        long* fileSystem = stackalloc long[32];
        IsInMemory = Libc.FStatFs(Fd, fileSystem) == 0 && fileSystem[0] is TMPFS_MAGIC or RAMFS_MAGIC;
        if (IsDirect)
        {
            bool told = (stat.Mask & STATX_DIOALIGN) != 0 && stat.DioOffsetAlign != 0;
            LogicalBlockBytes = told ? Math.Max((int)stat.DioOffsetAlign, Sectors.SizeBytes) : BufferPool.AlignmentBytes;
            MemoryAlignmentBytes = told ? (int)stat.DioMemoryAlign : BufferPool.AlignmentBytes;
        }
        // A hole punched behind the end changes nothing and tells whether the file system can do it.
        CanDiscard = !_readOnly && Allocate(
            FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (long)stat.SizeBytes, BufferPool.AlignmentBytes) == Errno.None;
    }

    private void InspectDisk(in StatXBuffer stat)
    {
        // O_EXCL on a disk is the kernel's claim: it fails while the disk is mounted or a mapped device holds it.
        int claim = Libc.Open(Path, (_readOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_EXCL | (IsDirect ? O_DIRECT : 0), 0);
        if (claim < 0)
            throw OpenFailure(Libc.LastErrno);
        _ = Libc.Close(Fd);
        Fd = claim;
        long size;
        int block;
        if (Libc.IoCtl(Fd, BLKGETSIZE64, &size) != 0 || Libc.IoCtl(Fd, BLKSSZGET, &block) != 0)
            throw OpenFailure(Libc.LastErrno);
        Identity = new(true, stat.RdevMajor, stat.RdevMinor, 0, size);
        LogicalBlockBytes = block;
        MemoryAlignmentBytes = IsDirect ? block : 1;
        string limit = $"/sys/dev/block/{Identity.MajorMinor}/queue/discard_max_bytes";
        string ofDisk = $"/sys/dev/block/{Identity.MajorMinor}/../queue/discard_max_bytes";
        string? file = File.Exists(limit) ? limit : File.Exists(ofDisk) ? ofDisk : null;
        CanDiscard = !_readOnly && file is not null && File.ReadAllText(file).Trim() != "0";
    }

    private DeviceOpenException OpenFailure(Errno errno)
    {
        string remedy = errno switch
        {
            Errno.ENOENT => "create it first (--create makes files of the right size)",
            Errno.EACCES or Errno.EPERM => "run as a user who may read and write it",
            Errno.EBUSY => "it is mounted or held by another device; let go of it there first",
            Errno.EINVAL when IsDirect => "this file system does not take O_DIRECT; leave --direct out",
            Errno.EROFS => "its file system is read-only; remount it or export read-only",
            _ => "see the reason",
        };
        return new DeviceOpenException($"{Path}: {errno} ({Libc.Describe(errno)}); {remedy}", errno);
    }
}
