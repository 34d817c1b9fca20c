namespace DmIo.Mapper;

// What was copied is believed only when it is durable on the legs and the record says so: until then a power cut would
// leave legs that lack it.
internal sealed partial class MirrorRecovery
{
    private readonly Queue<CopiedRegions> _copied = new();

    private void BelieveLater(RecoverySpan span)
    {
        _copied.Enqueue(new CopiedRegions(span, span.Copied));
        span.Copied = [];
        span.Pending++;
        if (_believing.IsCompleted)
            _believing = BelieveAllAsync();
    }

    private async Task BelieveAllAsync()
    {
        while (_copied.Count > 0)
        {
            CopiedRegions[] batch = [.. _copied];
            _copied.Clear();
            if (!await BelieveAsync(batch))
                _isStuck = true;
            foreach (CopiedRegions copied in batch)
            {
                if (--copied.Span.Pending == 0 && copied.Span.IsDone)
                    _active.Remove(copied.Span);
            }
        }
    }

    private async Task<bool> BelieveAsync(CopiedRegions[] batch)
    {
        if (Array.TrueForAll(batch, copied => copied.Regions.Count == 0))
            return true;
        // The source too: what it has kept in its cache since an earlier life is not durable either.
        if (!mirror.HasFault(EngineFaults.BelievesUnflushedCopies) && !await mirror.FlushSetAsync())
            return false;
        long ticket = 0;
        foreach (CopiedRegions copied in batch)
        {
            foreach ((long region, ulong targets) in copied.Regions)
            {
                if (copied.Span.IsGood(region))
                    ticket = Math.Max(ticket, mirror.NoteHas(targets, region));
            }
        }
        if (!await mirror.DurableAsync(ticket))
            return false;
        foreach (CopiedRegions copied in batch)
        {
            foreach ((long region, ulong targets) in copied.Regions)
                Believe(copied.Span, region, targets);
        }
        return true;
    }

    private void Believe(RecoverySpan span, long region, ulong targets)
    {
        if (!span.IsGood(region))
        {
            _again |= !_isStuck;
            return;
        }
        legs.Recovered(targets, region, alike: true);
        mirror.MarkCleanIfIdle(region);
        if (Progress?.Advance() is { } percent)
        {
            MapperLog.RecoveryProgress(
                host.Logger, host.Name, percent, Progress.RateBytes >> 20, (long)Progress.Left.TotalSeconds);
        }
    }
}
