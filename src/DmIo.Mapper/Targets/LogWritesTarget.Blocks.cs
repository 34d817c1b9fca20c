namespace DmIo.Mapper;

// What was done to the device on its way into the log, and writes that wait because too much is on that way.
internal sealed partial class LogWritesTarget
{
    private LoggedBlock TakeUnflushed()
    {
        var flush = new LoggedBlock(LogWritesFlags.Flush, Sectors.Zero, Sectors.Zero) { Before = _unflushed };
        _unflushed = [];
        return flush;
    }

    private void Discard(BlockRequest request)
    {
        var block = new LoggedBlock(LogWritesFlags.Discard, request.Start, request.Count);
        if (_leg.Device.DiscardLimit > Sectors.Zero)
        {
            Pass(request, _leg, request.Start, default, block);
            return;
        }
        Ended(block, Errno.None);
        request.Complete(Loop);
    }

    // The data is copied before it is written: whoever asked may change its memory afterwards.
    private bool TryWrite(BlockRequest request)
    {
        if (SpareMemory.TryRent(_copies, request.Data.LengthBytes) is not { } copy)
            return false;
        long at = 0;
        foreach (IoSegment segment in copy.Vector)
        {
            request.Data.Slice(at, segment.LengthBytes).CopyTo(segment.Span);
            at += segment.LengthBytes;
        }
        LogWritesFlags flags = (request.Flags & BlockFlags.Fua) != 0 ? LogWritesFlags.Fua : LogWritesFlags.None;
        Pass(request, _leg, request.Start, request.Data, new LoggedBlock(flags, request.Start, request.Count) { Copy = copy });
        return true;
    }

    // What has failed is not in the log: nobody knows what of it is on the device.
    private void Ended(LoggedBlock block, Errno error)
    {
        if (error != Errno.None && block.Flags == LogWritesFlags.Flush && _log.IsEnabled)
        {
            _unflushed.InsertRange(0, block.Before);
        }
        else if (error != Errno.None)
        {
            block.Before.ForEach(Release);
            Release(block);
        }
        else if (block.Flags is LogWritesFlags.Flush or LogWritesFlags.Fua || !_log.IsEnabled)
        {
            block.Before.ForEach(_log.Append);
            _log.Append(block);
        }
        else
        {
            _unflushed.Add(block);
        }
        if (_waiting.Count > 0)
            Relieve();
    }

    private void Release(LoggedBlock block)
    {
        block.Copy?.Release();
        if (_waiting.Count > 0)
            ServeWaiting();
    }

    private void Wait(BlockRequest request)
    {
        _waiting.Enqueue(request);
        if (_copies.RentedBytes == 0)
            _log.Disable($"a write of {request.Count.Bytes} bytes is larger than what is kept in memory ({CopyLimitBytes})");
        else
            Relieve();
    }

    private void ServeWaiting()
    {
        while (_waiting.TryPeek(out BlockRequest? request))
        {
            if (!_log.IsEnabled)
                Pass(request, _leg);
            else if (!TryWrite(request))
                break;
            _waiting.Dequeue();
        }
    }

    // A flush of the target's own, which the log does not show: what has ended is no longer in a cache and may be logged.
    private void Relieve()
    {
        if (_relief is not null || _unflushed.Count == 0 || !_log.IsEnabled)
            return;
        _relief = new TaskCompletionSource();
        _ = Host.Spawn("log-writes", RelieveAsync);
    }

    private async ValueTask RelieveAsync()
    {
        List<LoggedBlock> before = _unflushed;
        _unflushed = [];
        var flush = new AwaitedRequest { Operation = BlockOperation.Flush };
        _leg.Device.Submit(flush);
        Errno errno = await flush.Task;
        before.ForEach(_log.Append);
        TaskCompletionSource relief = _relief!;
        _relief = null;
        if (errno != Errno.None)
            _log.Disable($"{_leg.Argument} could not be flushed ({errno}), and no more is kept in memory");
        else if (_waiting.Count > 0)
            Relieve();
        relief.SetResult();
    }

    private async ValueTask RelievedAsync()
    {
        while (_relief is { } relief)
            await relief.Task;
    }
}
