using DmIo.Linux;

namespace DmIo;

/// <summary>
/// A regular file (sparse ones stay so) or a disk as a device. What cannot wait long is done inline: all of a file in
/// memory, reads that the page cache can serve, writes where the options say so. The rest goes to a lane of the device's
/// own. The file is locked while it is open, so no leg is opened twice.
/// </summary>
public sealed class FileDevice : BlockDevice
{
    /// <summary>
    /// The longest discard or write-zeroes in one request. Arbitrary: short enough that one of them on the loop's own
    /// thread does not keep others waiting long.
    /// </summary>
    public static readonly Sectors RangeLimit = Sectors.FromBytes(32 << 20);

    // One worker is enough where the page cache does the waiting; O_DIRECT needs as many as shall be in flight.
    private const int BufferedWorkers = 1;
    private const int DirectWorkers = 8;

    private readonly BlockFile _file;
    private readonly bool _inlineWrites;
    private readonly SyncGroup _syncs;
    private bool _triesNoWait;
    private Lane? _lane;
    private FileWork? _freeWork;
    private FileRingWork? _freeRingWork;
    private Errno _oldError;
    private Sectors _length;

    private FileDevice(IoLoop loop, BlockFile file, bool readOnly, bool inlineWrites, Errno oldError)
        : base(loop)
    {
        _file = file;
        IsReadOnly = readOnly;
        _length = Sectors.Floor(file.Identity.SizeBytes);
        _inlineWrites = !file.IsDirect && (file.IsInMemory || inlineWrites);
        _triesNoWait = !file.IsDirect && !file.IsInMemory;
        Ring = (loop as KernelLoop)?.Ring;
        _syncs = new SyncGroup(loop, file, Ring);
        _oldError = oldError;
    }

    /// <inheritdoc/>
    public override string Name => _file.Path;

    /// <inheritdoc/>
    public override Sectors Length => _length;

    /// <inheritdoc/>
    public override int LogicalBlockBytes => _file.LogicalBlockBytes;

    /// <inheritdoc/>
    public override int MemoryAlignmentBytes => _file.MemoryAlignmentBytes;

    /// <inheritdoc/>
    public override bool IsReadOnly { get; }

    /// <inheritdoc/>
    public override Sectors DiscardLimit => _file.CanDiscard ? RangeLimit : Sectors.Zero;

    /// <inheritdoc/>
    public override Sectors WriteZeroesLimit => IsReadOnly ? Sectors.Zero : RangeLimit;

    /// <summary>A file whose file system makes holes; what a disk does with the same command is not known.</summary>
    public override bool CanZeroFast => _file.CanDiscard && !_file.Identity.IsBlockSpecial;

    /// <summary>What tells this file or disk from others.</summary>
    public DeviceIdentity Identity => _file.Identity;

    internal Ring? Ring { get; }

    /// <summary>Whether the page cache is bypassed.</summary>
    public bool IsDirect => _file.IsDirect;

    /// <summary>Opens and locks a file or disk.</summary>
    /// <exception cref="DeviceOpenException">It cannot be had; the message says why and what to do.</exception>
    public static FileDevice Open(IoLoop loop, FileDeviceOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var file = new BlockFile(options);
        // Linux tells a write-back error that nobody has seen to whoever syncs first after the next open. Here that is
        // this, and not a client's flush of something else.
        return new FileDevice(loop, file, options.ReadOnly, options.InlineWrites, file.Sync());
    }

    /// <summary>
    /// Hands the open, locked file over to a device on another loop; this one is disposed. Nothing may be under way. Only
    /// on this device's loop.
    /// </summary>
    /// <param name="loop">The home of the new device. Others may live there, so it does no writes inline that could wait.</param>
    public async ValueTask<FileDevice> MoveToAsync(IoLoop loop)
    {
        LetGo();
        await base.DisposeAsync();
        return new FileDevice(loop, _file, IsReadOnly, inlineWrites: false, _oldError);
    }

    /// <inheritdoc/>
    public override void Submit(BlockRequest request)
    {
        Errno invalid = Validate(request);
        if (invalid != Errno.None)
            request.Complete(Loop, invalid, request.Start);
        else if (request.Operation == BlockOperation.Flush && TakeOldError() is not Errno.None and var old)
            request.Complete(Loop, old, request.Start);
        else if (request.Operation == BlockOperation.Flush)
            _syncs.Join(request);
        else if ((request.Flags & BlockFlags.Preflush) != 0)
            _syncs.Join(RentWork(request));
        else
            Transfer(request);
    }

    /// <inheritdoc/>
    public override Errno TakeOldError()
    {
        Errno error = _oldError;
        _oldError = Errno.None;
        return error;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken = default)
    {
        if (_file.Identity.IsBlockSpecial)
            return await base.ReadExtentsAsync(start, count, cancellationToken);
        if (_file.IsKnownData(start, count))
            return [new BlockExtent(start, count, ExtentKind.Data)];
        return await OpenedLane().RunAsync(() => _file.FindExtents(start, count));
    }

    /// <inheritdoc/>
    public override Errno Extend(Sectors length)
    {
        Errno errno = _file.Extend(length.Bytes);
        // It may have been made longer by others; what was there stays.
        _length = Sectors.Max(_length, Sectors.Floor(_file.Identity.SizeBytes));
        return length <= _length ? Errno.None : errno == Errno.None ? Errno.ENOSPC : errno;
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        LetGo();
        _file.Dispose();
        await base.DisposeAsync();
    }

    internal void Transfer(BlockRequest request)
    {
        if (request.Operation == BlockOperation.Read ? _file.IsInMemory : _inlineWrites)
            Finish(request, Execute(request, 0, out Sectors failedAt), failedAt);
        else if (request.Operation != BlockOperation.Read || !_triesNoWait || !TryReadResident(request))
            TransferElsewhere(request);
    }

    internal void TransferInLane(BlockRequest request) => OpenedLane().Enqueue(RentWork(request));

    internal bool NeedsBounce(in IoVector data) => IsDirect && !data.IsAligned(MemoryAlignmentBytes);

    /// <summary>Does the data part of a request, blocking; on the loop or on a worker.</summary>
    internal Errno Execute(BlockRequest request, int rwFlags, out Sectors failedAt)
    {
        long done = 0;
        Errno errno = request.Operation switch
        {
            BlockOperation.Read => _file.Transfer(false, request.Data, request.Start.Bytes, rwFlags, out done),
            BlockOperation.Write => _file.Transfer(true, request.Data, request.Start.Bytes, rwFlags, out done),
            BlockOperation.Discard => _file.Discard(request.Start.Bytes, request.Count.Bytes),
            _ => _file.WriteZeroes(
                request.Start.Bytes, request.Count.Bytes, (request.Flags & BlockFlags.NoUnmap) != 0, out done),
        };
        failedAt = request.Start + Sectors.Floor(done);
        return errno;
    }

    /// <summary>Ends the data part: a durable request now waits for a sync.</summary>
    internal void Finish(BlockRequest request, Errno errno, Sectors failedAt)
    {
        if (errno == Errno.None && (request.Flags & BlockFlags.Fua) != 0 && request.ChangesData)
            _syncs.Join(request);
        else
            request.Complete(Loop, errno, failedAt);
    }

    internal void Return(FileRingWork work)
    {
        work.NextFree = _freeRingWork;
        _freeRingWork = work;
    }

    internal void Return(FileWork work)
    {
        work.NextFree = _freeWork;
        _freeWork = work;
    }

    // The ring takes what it can do without a worker thread of its own: O_DIRECT, and reads from the disk. A buffered
    // write would go to the kernel's workers, where a lane costs no more at depth (Loops/README.md).
    private void TransferElsewhere(BlockRequest request)
    {
        if (Ring is null || !(request.Operation == BlockOperation.Read || (IsDirect && request.Operation == BlockOperation.Write)))
        {
            TransferInLane(request);
            return;
        }
        FileRingWork work = _freeRingWork ?? new FileRingWork(this, _file.Fd);
        _freeRingWork = work.NextFree;
        work.Start(request, Ring);
    }

    private bool TryReadResident(BlockRequest request)
    {
        Errno errno = Execute(request, LinuxConstants.RWF_NOWAIT, out Sectors failedAt);
        if (errno == Errno.None)
        {
            Finish(request, errno, failedAt);
            return true;
        }
        if (errno != Errno.EAGAIN)
            _triesNoWait = errno is not (Errno.EOPNOTSUPP or Errno.EINVAL);
        return false;
    }

    private void LetGo()
    {
        _lane?.Dispose();
        for (FileRingWork? work = _freeRingWork; work is not null; work = work.NextFree)
            work.Free();
        _syncs.Dispose();
    }

    private FileWork RentWork(BlockRequest request)
    {
        FileWork work = _freeWork ?? new FileWork(this);
        _freeWork = work.NextFree;
        work.Request = request;
        return work;
    }

    private Lane OpenedLane() =>
        _lane ??= Loop.OpenLane($"dmio {Path.GetFileName(Name)}", IsDirect ? DirectWorkers : BufferedWorkers);
}
