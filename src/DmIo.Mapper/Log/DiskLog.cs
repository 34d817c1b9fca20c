namespace DmIo.Mapper;

/// <summary>
/// The kernel's disk log with this program's record beside it. A commit writes the blocks that have changed, of the log's
/// bits and of the record's bitmaps together, and makes them durable with one flush; the anchor follows in a write of its
/// own when it has changed. While a daemon has the log its header says version 1, which the kernel takes and turns into 2
/// whenever it activates the mirror: so a start can tell a crash of this program from the kernel's having been there.
/// </summary>
internal sealed partial class DiskLog : RegionLog
{
    private const uint OwnVersion = LogImage.OldVersion;
    private const uint KernelVersion = LogImage.CurrentVersion;

    private readonly IoLoop _loop;
    private readonly DiskLogOptions _options;
    private readonly LogImage _image;
    private readonly DeadlineWatch _watch;
    private readonly LogWriter _writer;
    private readonly List<(int FirstBlock, int Count)> _runs = [];
    private readonly int _blockBytes;
    private readonly ITimer _retry;
    private RecordAnchor _anchor = new();
    private RecordArea? _area;
    private LogWriter? _areaWriter;
    private Task _committing = Task.CompletedTask;
    private long _started;
    private long _mustBeDurable;
    private bool _wanted;
    private bool _isCommitting;
    private bool _flush;
    private bool _anchorChanged;
    private bool _areaUnflushed;
    private bool _isLost;

    public DiskLog(IoLoop loop, BlockDevice device, DiskLogOptions options, LegSet legs)
        : base(legs)
    {
        _loop = loop;
        _options = options;
        _blockBytes = device.LogicalBlockBytes;
        _image = new LogImage(legs.Regions, _blockBytes);
        _watch = new DeadlineWatch(loop.Time, options.Deadline);
        _writer = WriterOf(device);
        _foundGivenUp = new RegionSet(legs.Regions);
        _retry = loop.Time.CreateTimer(_ => Commit(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public override string Location => _writer.Device.Name;

    public override long MarkDirty(long region)
    {
        if (!_image.SetDirty(region))
            return _isLost ? 0 : Pending();
        _flush = true;
        return Want();
    }

    public override void MarkClean(long region)
    {
        if (_image.SetClean(region))
            _wanted = true;
    }

    public override long NoteLack(Leg leg, long region)
    {
        if (!leg.Recorded.Add(region))
            return Pending();
        _area!.Changed(leg, region);
        _flush = true;
        return WantRecord();
    }

    public override long NoteHas(Leg leg, long region)
    {
        if (!leg.Recorded.Remove(region))
            return Pending();
        _area!.Changed(leg, region);
        _flush = true;
        return WantRecord();
    }

    public override long NoteLegs(long epoch)
    {
        _anchor.Epoch = epoch;
        _options.File.Epoch = epoch;
        foreach (Leg leg in Legs.Legs)
        {
            ref RecordSlot slot = ref _anchor.Slots[_area!.SlotOf(leg)];
            slot = slot with { IsDiverged = leg.IsDiverged, IsFailedByHand = leg.IsFailedByHand };
        }
        _anchorChanged = true;
        return WantRecord();
    }

    public override void Commit()
    {
        if (!_wanted || _isCommitting)
            return;
        _isCommitting = true;
        _committing = _loop.InvokeAsync(CommitAllAsync);
    }

    public override async ValueTask DisposeAsync()
    {
        _retry.Dispose();
        await _committing;
        _isDisposed = true;
        _watch.Dispose();
        _writer.Dispose();
        if (_areaWriter is { } sidecar && sidecar != _writer)
        {
            sidecar.Dispose();
            // Closing it would wait for what hangs.
            if (!sidecar.IsLate)
                await sidecar.Device.DisposeAsync();
        }
        _options.Store.Dispose();
    }

    // What was marked before may not be durable yet.
    private long Pending() => Durable >= _mustBeDurable ? 0 : _mustBeDurable;

    private long Want()
    {
        _wanted = true;
        if (_isLost)
            return 0;
        return _mustBeDurable = _started + 1;
    }

    // The record is waited for even when the log is lost: only it can say who lacks what.
    private long WantRecord()
    {
        _wanted = true;
        return _mustBeDurable = _started + 1;
    }

    private async ValueTask CommitAllAsync()
    {
        while (_wanted)
        {
            Errno errno = await CommitOnceAsync();
            if (errno == Errno.None)
            {
                Committed(Errno.None);
                continue;
            }
            if (await LoseAsync())
                Committed(Errno.None);
            else
                Committed(errno);
            _retry.Change(_options.RetryAfter, Timeout.InfiniteTimeSpan);
            break;
        }
        _isCommitting = false;
    }

    private async Task<Errno> CommitOnceAsync()
    {
        _wanted = false;
        // From here on marks are waited for again: what this commit does not hold, the next one will.
        _isLost = false;
        long number = ++_started;
        bool flush = _flush;
        bool anchor = _anchorChanged;
        _flush = _anchorChanged = false;
        Errno errno = await WriteBitsAsync(flush || anchor);
        if (errno == Errno.None && anchor)
            errno = await WriteAnchorAsync();
        // As long as the state file says that the log is lost, nothing that it says is believed.
        if (errno == Errno.None)
            errno = await FoundAsync();
        if (errno == Errno.None)
        {
            Durable = number;
            return errno;
        }
        _wanted = true;
        _flush = true;
        _anchorChanged |= anchor;
        return errno;
    }

    /// <summary>Writes the changed blocks of log and record, and makes them durable if that is asked for.</summary>
    private async Task<Errno> WriteBitsAsync(bool flush)
    {
        if (IsLate && !_options.WritesOverLate)
            return Failed(ShownLog.Failed, Errno.ETIMEDOUT);
        Errno errno = await WriteImageAsync();
        if (_area is { HasChanges: true } area)
        {
            _areaUnflushed = true;
            Errno areaErrno = await area.WriteChangesAsync();
            if (errno == Errno.None)
                errno = areaErrno;
        }
        if (errno != Errno.None)
            return Failed(ShownLog.Failed, errno);
        if (!flush)
            return Errno.None;
        // What was written behind its device's flush by the commit before is not durable either.
        bool sidecar = _areaUnflushed && _areaWriter != _writer;
        _areaUnflushed = false;
        Task<Errno> log = _writer.FlushAsync();
        Errno flushed = sidecar ? await _areaWriter!.FlushAsync() : Errno.None;
        errno = await log;
        if (errno == Errno.None)
            errno = flushed;
        if (errno == Errno.None)
            return errno;
        _areaUnflushed = true;
        return Failed(ShownLog.FlushFailed, errno);
    }

    private async Task<Errno> WriteAnchorAsync()
    {
        _anchor.Write(_image.Bytes.AsSpan(RecordAnchor.OffsetBytes, RecordAnchor.SizeBytes));
        _image.NoteChanged(RecordAnchor.OffsetBytes / _blockBytes, 1);
        Errno errno = await WriteImageAsync();
        if (errno != Errno.None)
            return Failed(ShownLog.Failed, errno);
        errno = await _writer.FlushAsync();
        return errno == Errno.None ? errno : Failed(ShownLog.FlushFailed, errno);
    }

    private async Task<Errno> WriteImageAsync()
    {
        _runs.Clear();
        if (!_image.TryTakeChangedBlocks(_runs))
            return Errno.None;
        (int FirstBlock, int Count)[] runs = [.. _runs];
        Errno errno = Errno.None;
        foreach ((int first, int count) in runs)
        {
            long offset = (long)first * _blockBytes;
            errno = await _writer.WriteAsync(offset, _image.Bytes.AsMemory((int)offset, count * _blockBytes));
            if (errno != Errno.None)
                break;
        }
        Errno drained = await _writer.DrainAsync();
        if (errno == Errno.None)
            errno = drained;
        if (errno == Errno.None)
            return errno;
        foreach ((int first, int count) in runs)
            _image.NoteChanged(first, count);
        return errno;
    }

    // What the device has of earlier commits is not known any more: all of the bits are written when it answers again.
    private Errno Failed(char letter, Errno errno)
    {
        // One that does not answer has neither written nor flushed.
        if (IsLate)
            letter = ShownLog.Failed;
        if (Letter != ShownLog.FlushFailed)
            Letter = letter;
        _image.NoteChanged(0, _image.Bytes.Length / _blockBytes);
        foreach (Leg leg in Legs.Legs)
        {
            if (_area is not null && _area.SlotOf(leg) >= 0)
                _area.ChangedAll(_area.SlotOf(leg));
        }
        return errno;
    }
}
