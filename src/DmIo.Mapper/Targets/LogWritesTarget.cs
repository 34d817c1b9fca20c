namespace DmIo.Mapper;

/// <summary>
/// Another device, and a log of what was done to it: writes and discards that have ended when the next flush has, those
/// with FUA at once, each with its data.
/// </summary>
internal sealed partial class LogWritesTarget : LegTarget
{
    // Arbitrary: how many bytes may wait for a flush or for the log. Beyond it the target flushes by itself, and writes wait.
    private const long CopyLimitBytes = 64 << 20;

    private readonly TargetLeg _leg;
    private readonly TargetLeg _logPlace;
    private readonly int _sectorBytes;
    private readonly WritesLog _log;
    private readonly BufferPool _copies = new(CopyLimitBytes);
    private readonly Queue<BlockRequest> _waiting = new();
    private List<LoggedBlock> _unflushed = [];
    private TaskCompletionSource? _relief;
    private WritesLogPlace? _endedAt;

    public LogWritesTarget(MappedDevice host, TableLine line, TargetLeg leg, TargetLeg log)
        : base(host, line, [leg])
    {
        _leg = leg;
        _logPlace = log;
        _sectorBytes = leg.Device.LogicalBlockBytes;
        _log = new WritesLog(host, log, _sectorBytes, Release);
        _log.Disabled += LogDisabled;
    }

    // As in the kernel, a device that cannot discard gets none, and the log has it.
    public override Sectors DiscardLimit =>
        _leg.Device.DiscardLimit == Sectors.Zero && !_leg.Device.IsReadOnly ? Length : _leg.Device.DiscardLimit;

    public override string TableWords => $"{_leg.Shown} {_logPlace.Shown}";

    public override string StatusWords =>
        $"{_log.Entries} {_log.HighestSector}{(_log.IsEnabled ? "" : " logging_disabled")}";

    // The mark of the end is written over, since it is none.
    public override object? State => _endedAt ?? _log.Place;

    public override void TakeState(object state) => _log.Place = (WritesLogPlace)state;

    public override async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        int logical = _logPlace.Device.LogicalBlockBytes;
        if (logical > _sectorBytes)
        {
            throw new MapperException(
                $"{Host.Name}: the log {_logPlace.Argument} has a logical block size of {logical} bytes and the device "
                + $"{_leg.Argument} one of {_sectorBytes}; name a log with blocks that are no larger, such as a file");
        }
        if (_log.IsEnabled && await _log.BeginAsync() is not Errno.None and var errno)
            throw new MapperException($"{Host.Name}: the log {_logPlace.Argument} could not be written: {errno}; name another");
    }

    public override void Map(BlockRequest request)
    {
        if (!_log.IsEnabled || request.Operation == BlockOperation.Read)
            Pass(request, _leg);
        else if (request.Operation == BlockOperation.Flush)
            Pass(request, _leg, Sectors.Zero, default, TakeUnflushed());
        else if (request.Operation == BlockOperation.Discard)
            Discard(request);
        else if (_waiting.Count > 0 || !TryWrite(request))
            Wait(request);
    }

    public override async ValueTask<IReadOnlyList<BlockExtent>> ReadExtentsAsync(
        Sectors start, Sectors count, CancellationToken cancellationToken) =>
        await _leg.Device.ReadExtentsAsync(start, count, cancellationToken);

    public override ValueTask<string> MessageAsync(IReadOnlyList<string> words)
    {
        if (!words[0].Equals("mark", StringComparison.OrdinalIgnoreCase))
        {
            throw new MapperException(
                $"{Host.Name}: Unrecognised log writes target message received: {words[0]}; known is mark TEXT");
        }
        if (words.Count != 2)
        {
            throw new MapperException(
                $"{Host.Name}: Invalid log-writes message arguments, expect 2 arguments, got {words.Count}; write 'mark TEXT', "
                + "with a backslash before each blank in it");
        }
        return MarkAsync(words[1]);
    }

    public override async ValueTask StopAsync()
    {
        try
        {
            await FlushAsync(_leg);
        }
        finally
        {
            await EndLogAsync();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await RelievedAsync();
        await _log.DrainAsync();
        _unflushed.ForEach(Release);
        _unflushed.Clear();
        _log.Dispose();
        _copies.Dispose();
        await base.DisposeAsync();
    }

    protected override void Returned(BlockRequest request, TargetLeg leg, Errno error, object? context)
    {
        if (context is LoggedBlock block)
            Ended(block, error);
    }

    private async ValueTask<string> MarkAsync(string text)
    {
        int most = _sectorBytes - LogWritesFormat.EntryBytes - 1;
        int bytes = System.Text.Encoding.UTF8.GetByteCount(text);
        if (bytes > most)
            throw new MapperException($"{Host.Name}: a mark has room for {most} bytes, and this has {bytes}; shorten it");
        var mark = new LoggedBlock(LogWritesFlags.Mark, Sectors.Zero, Sectors.Zero)
        {
            Mark = text,
            Logged = new TaskCompletionSource<bool>(),
        };
        _log.Append(mark);
        return await mark.Logged.Task
            ? ""
            : throw new MapperException($"{Host.Name}: logging is disabled, the mark is not in the log; see the log of the program");
    }

    private async ValueTask EndLogAsync()
    {
        await RelievedAsync();
        if (!_log.IsEnabled)
            return;
        foreach (LoggedBlock block in _unflushed)
            _log.Append(block);
        _unflushed = [];
        await _log.DrainAsync();
        _endedAt = _log.IsEnabled ? _log.Place : null;
        _log.Append(new LoggedBlock(LogWritesFlags.Mark, Sectors.Zero, Sectors.Zero) { Mark = LogWritesFormat.EndMark });
        await _log.DrainAsync();
        await FlushAsync(_logPlace);
    }

    private void LogDisabled(string reason)
    {
        MapperLog.WritesLogDisabled(Host.Logger, Host.Name, _logPlace.Argument, reason);
        Host.HealthChangedOf(this, VolumeEventKind.LogFailed, new EventDetails { Device = _logPlace.Argument });
        List<LoggedBlock> lost = _unflushed;
        _unflushed = [];
        lost.ForEach(Release);
        ServeWaiting();
    }
}
