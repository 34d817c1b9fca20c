namespace DmIo.Mapper;

/// <summary>
/// Writes a log of writes, in the order in which entries are appended, in batches. When the device fails or is full, the
/// log is disabled for good, as the kernel's.
/// </summary>
internal sealed class WritesLog : IDisposable
{
    // Arbitrary: enough to keep a disk busy.
    private const int BatchEntries = 64;

    private readonly MappedDevice _host;
    private readonly TargetLeg _place;
    private readonly int _sectorBytes;
    private readonly Action<LoggedBlock> _release;
    private readonly Queue<LoggedBlock> _queue = new();
    private readonly BufferPool _memory = new(BufferPool.MaxBytes);
    private readonly IoSegment _headers;
    private bool _isWriting;
    private TaskCompletionSource? _drained;
    private long _next;

    /// <param name="host">Whose work this is.</param>
    /// <param name="place">The log device.</param>
    /// <param name="sectorBytes">Bytes in a sector of the log.</param>
    /// <param name="release">Told when an entry is in the log, or never will be.</param>
    public WritesLog(MappedDevice host, TargetLeg place, int sectorBytes, Action<LoggedBlock> release)
    {
        _host = host;
        _place = place;
        _sectorBytes = sectorBytes;
        _release = release;
        _memory.TryRent(BatchEntries * sectorBytes, out _headers);
        // The first sector is that of the whole log.
        _next = SectorsPerSector;
    }

    public bool IsEnabled { get; private set; } = true;

    /// <summary>How many entries were written.</summary>
    public long Entries { get; private set; }

    /// <summary>The last sector of 512 bytes that is in use.</summary>
    public long HighestSector => Volatile.Read(ref _next) - 1;

    /// <summary>Raised when the log is disabled, with the reason.</summary>
    public event Action<string>? Disabled;

    /// <summary>Where the next entry goes.</summary>
    public WritesLogPlace Place
    {
        get => new(_next, Entries, IsEnabled);
        set => (_next, Entries, IsEnabled) = value;
    }

    private long SectorsPerSector => _sectorBytes >> Sectors.Shift;

    /// <summary>Makes a log of what is on the device: an empty one, or as far as one was written that is gone on with.</summary>
    public Task<Errno> BeginAsync() => WriteSuperAsync();

    public void Append(LoggedBlock block)
    {
        if (!IsEnabled)
        {
            End(block, false);
            return;
        }
        _queue.Enqueue(block);
        if (_isWriting)
            return;
        _isWriting = true;
        _ = _host.Spawn("log-writes", WriteAllAsync);
    }

    /// <summary>Ends when all that was appended is in the log, or never will be.</summary>
    public Task DrainAsync()
    {
        if (!_isWriting)
            return Task.CompletedTask;
        _drained ??= new TaskCompletionSource();
        return _drained.Task;
    }

    public void Disable(string reason)
    {
        if (!IsEnabled)
            return;
        IsEnabled = false;
        Disabled?.Invoke(reason);
        while (_queue.TryDequeue(out LoggedBlock? block))
            End(block, false);
    }

    public void Dispose()
    {
        _memory.Return(_headers);
        _memory.Dispose();
    }

    private async ValueTask WriteAllAsync()
    {
        var batch = new List<(LoggedBlock Block, AwaitedRequest Write)>();
        while (_queue.Count > 0)
        {
            await WriteBatchAsync(batch);
            batch.Clear();
        }
        _isWriting = false;
        TaskCompletionSource? drained = _drained;
        _drained = null;
        drained?.SetResult();
    }

    private async Task WriteBatchAsync(List<(LoggedBlock Block, AwaitedRequest Write)> batch)
    {
        bool isSettled = false;
        string? full = null;
        while (batch.Count < BatchEntries && _queue.TryPeek(out LoggedBlock? block))
        {
            long at = _next;
            long behind = at + SectorsPerSector + (block.Copy is null ? 0 : block.Count.Count);
            // As in the kernel, which keeps the last sector free.
            if (behind >= _place.Device.Length.Count)
            {
                full = "Ran out of space on the logdev; take a longer one";
                break;
            }
            _queue.Dequeue();
            Volatile.Write(ref _next, behind);
            Entries++;
            isSettled |= (block.Flags & (LogWritesFlags.Flush | LogWritesFlags.Fua | LogWritesFlags.Mark)) != 0;
            AwaitedRequest write = EntryOf(block, batch.Count, new Sectors(at));
            batch.Add((block, write));
            _place.Device.Submit(write);
        }
        Errno errno = Errno.None;
        foreach ((_, AwaitedRequest write) in batch)
        {
            if (await write.Task is not Errno.None and var failure)
                errno = failure;
        }
        // The first sector counts what is wholly there, so that a log is good up to its last flush whenever it ends.
        if (errno == Errno.None && isSettled)
            errno = await WriteSuperAsync();
        foreach ((LoggedBlock block, _) in batch)
            End(block, errno == Errno.None);
        if (errno != Errno.None)
            Disable($"{_place.Argument} could not be written: {errno}");
        else if (full is not null)
            Disable(full);
    }

    private AwaitedRequest EntryOf(LoggedBlock block, int index, Sectors at)
    {
        var header = new IoSegment(_headers.Address + index * _sectorBytes, _sectorBytes);
        LogWritesFormat.WriteEntry(header.Span, block.Flags, block.Start, block.Count, block.Mark);
        var segments = new List<IoSegment> { header };
        if (block.Copy is { } copy)
        {
            foreach (IoSegment segment in copy.Vector)
                segments.Add(segment);
        }
        return Write(at, [.. segments]);
    }

    // The batch's headers have been written when this is.
    private Task<Errno> WriteSuperAsync()
    {
        var sector = new IoSegment(_headers.Address, _sectorBytes);
        LogWritesFormat.WriteSuper(sector.Span, Entries);
        AwaitedRequest write = Write(Sectors.Zero, [sector]);
        _place.Device.Submit(write);
        return write.Task;
    }

    private static AwaitedRequest Write(Sectors at, IoSegment[] segments)
    {
        var data = new IoVector(segments, segments.Length);
        return new AwaitedRequest
        {
            Operation = BlockOperation.Write,
            Start = at,
            Count = Sectors.FromBytes(data.LengthBytes),
            Data = data,
        };
    }

    private void End(LoggedBlock block, bool isLogged)
    {
        _release(block);
        block.Logged?.SetResult(isLogged);
    }
}
