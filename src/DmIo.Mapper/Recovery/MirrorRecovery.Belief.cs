namespace DmIo.Mapper;

// What was copied is believed only when it is durable on the legs and the record says so: until then a power cut would
// leave legs that lack it.
internal sealed partial class MirrorRecovery
{
    private readonly Queue<RecoverySpan> _copied = new();

    private void BelieveLater(RecoverySpan span)
    {
        _copied.Enqueue(span);
        if (_copied.Count == 1 && _believing.IsCompleted)
            _believing = BelieveAllAsync();
    }

    private async Task BelieveAllAsync()
    {
        while (_copied.Count > 0)
        {
            RecoverySpan[] spans = [.. _copied];
            _copied.Clear();
            if (!await BelieveAsync(spans))
                _isStuck = true;
            foreach (RecoverySpan span in spans)
                _active.Remove(span);
        }
    }

    private async Task<bool> BelieveAsync(RecoverySpan[] spans)
    {
        // The source too: what it has kept in its cache since an earlier life is not durable either.
        if (!mirror.HasFault(EngineFaults.BelievesUnflushedCopies) && !await mirror.FlushSetAsync())
            return false;
        long ticket = 0;
        foreach (RecoverySpan span in spans)
        {
            foreach ((long region, ulong targets) in span.Copied)
            {
                if (span.IsGood(region))
                    ticket = Math.Max(ticket, mirror.NoteHas(targets, region));
            }
        }
        if (!await mirror.DurableAsync(ticket))
            return false;
        foreach (RecoverySpan span in spans)
        {
            foreach ((long region, ulong targets) in span.Copied)
                Believe(span, region, targets);
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
