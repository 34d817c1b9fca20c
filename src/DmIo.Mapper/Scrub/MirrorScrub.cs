using System.Numerics;

namespace DmIo.Mapper;

/// <summary>
/// Compares the legs of a mirror while it serves, chunk by chunk, each under a turn, so that no client changes it
/// meanwhile; a repair makes them alike where they differ. One at a time; one that ended early is gone on with.
/// </summary>
internal sealed partial class MirrorScrub(
    MirrorTarget mirror, MappedDevice host, LegSet legs, LegWriter writer, BufferPool buffers, MirrorOptions options,
    Sectors chunkSize)
{
    /// <summary>Chunks under way at once. Arbitrary: enough to keep every leg busy, few enough to leave room for clients.</summary>
    public const int Workers = 4;

    /// <summary>
    /// How much is compared at once: a client's write waits no longer for its turn, and comparing it takes the loop some
    /// tens of microseconds.
    /// </summary>
    public const int ChunkBytes = 256 << 10;

    // Progress is logged this often.
    private const int PercentStep = 10;

    // Arbitrary: what hangs may go on then.
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(1);

    private readonly Sectors _chunk = Sectors.Min(chunkSize, Sectors.FromBytes(ChunkBytes));
    private ScrubRun? _run;
    private RecoveryPacer? _pacer;
    private TaskCompletionSource? _ended;
    private TaskCompletionSource? _resumed;
    private TaskCompletionSource? _atRest;
    private ScrubProgress? _progress;
    private ScrubEnd _end;
    private bool _isEnding;
    private bool _isPaused;
    private bool _isStopped;
    private long _beganAt;
    private long _beganDone;
    private int _toldPercent;

    /// <summary>How far it is, or how far the last one came; null when there has been none. From any thread.</summary>
    public ScrubProgress? Progress => Volatile.Read(ref _progress);

    /// <summary>Compares the legs, or makes them alike, from where the last one of the same kind ended early.</summary>
    /// <exception cref="MapperException">It cannot begin; why.</exception>
    public async Task<ScrubReport> RunAsync(
        bool isRepair, int? from, ScrubOptions how, CancellationToken cancellationToken)
    {
        Check(isRepair, from);
        if (_run is null || how.Anew || _run.IsComplete || _run.IsRepair != isRepair || _run.From != from)
            _run = new ScrubRun(legs, _chunk, isRepair, from);
        ScrubRun run = _run;
        _ended = new TaskCompletionSource();
        _end = ScrubEnd.Complete;
        _isEnding = false;
        _pacer = new RecoveryPacer(
            host.Loop.Time, how.RateBytes ?? options.ScrubRateBytes, options.ScrubBusyRateBytes, () => mirror.LastRequest);
        _beganAt = host.Loop.Time.GetTimestamp();
        _beganDone = run.DoneSectors;
        _toldPercent = (int)(run.DoneSectors * 100 / legs.Length.Count) / PercentStep * PercentStep;
        string what = isRepair ? "repair" : "check";
        MapperLog.ScrubBegins(host.Logger, host.Name, what, run.Position);
        host.Raise(mirror, VolumeEventKind.ScrubBegan, new EventDetails { Sector = (mirror.Begin + run.Position).Count });
        try
        {
            using CancellationTokenRegistration cancelling = cancellationToken.Register(
                () => _ = host.Loop.InvokeAsync(() => CancelAsync(run)));
            await WorkUntilEndAsync(run);
        }
        finally
        {
            TellProgress(run, isRunning: false);
            TaskCompletionSource ended = _ended;
            _ended = null;
            Rest();
            ended.SetResult();
        }
        ScrubReport report = ReportOf(run);
        MapperLog.ScrubEnded(
            host.Logger, host.Name, what, report.End, report.Differing, report.Repaired, report.UnreadableSectors);
        host.Raise(
            mirror, VolumeEventKind.ScrubEnded,
            new EventDetails { Count = report.Differing.Count, Repaired = isRepair ? report.Repaired.Count : null });
        return report;
    }

    /// <summary>Ends what is under way when the chunks at hand are done; nothing begins any more.</summary>
    public Task StopAsync()
    {
        _isStopped = true;
        End(ScrubEnd.Stopped);
        return _ended?.Task ?? Task.CompletedTask;
    }

    /// <summary>Rests when the chunks at hand are done, until <see cref="Resume"/>.</summary>
    public Task PauseAsync()
    {
        _isPaused = true;
        _pacer?.Release();
        if (_ended is null || _resumed is not null)
            return Task.CompletedTask;
        _atRest ??= new TaskCompletionSource();
        return _atRest.Task;
    }

    /// <summary>Goes on after <see cref="PauseAsync"/>.</summary>
    public void Resume()
    {
        _isPaused = false;
        _resumed?.TrySetResult();
    }

    private ValueTask CancelAsync(ScrubRun run)
    {
        if (run == _run && _ended is not null)
            End(ScrubEnd.Cancelled);
        return ValueTask.CompletedTask;
    }

    private void Check(bool isRepair, int? from)
    {
        string what = isRepair ? "repair" : "check";
        if (_isStopped)
            throw new MapperException($"{host.Name}: it is stopped");
        if (_ended is not null)
        {
            throw new NotNowException(
                $"{host.Name}: a {(_run!.IsRepair ? "repair" : "check")} of the legs is under way "
                + $"({Progress?.Percent ?? 0} %); wait for it, or cancel it");
        }
        if (isRepair && mirror.IsReadOnly)
            throw new MapperException($"{host.Name}: it is read-only, so its legs can be checked and not repaired");
        if (from is { } chosen && (chosen < 0 || chosen >= legs.Legs.Length))
        {
            throw new MapperException(
                $"{host.Name}: --from {chosen} names no leg; legs are counted from 0, so take one from 0 to "
                + $"{legs.Legs.Length - 1}");
        }
        if (from is { } right && !legs[right].IsInSet)
        {
            throw new NotNowException(
                $"{host.Name}: leg {right} is not in the set, so the others cannot be repaired from it; name another, or "
                + "wait until it has returned");
        }
        if (BitOperations.PopCount(legs.Set) < 2)
            throw new NotNowException($"{host.Name}: only one leg is in the set, so there is nothing to {what} it against");
    }

    // Whoever comes first says why it ends.
    private void End(ScrubEnd why)
    {
        if (_isEnding || _ended is null)
            return;
        _isEnding = true;
        _end = why;
        _pacer?.Release();
        _resumed?.TrySetResult();
    }

    private async Task WorkUntilEndAsync(ScrubRun run)
    {
        while (true)
        {
            if (_isPaused && !_isEnding)
            {
                _resumed = new TaskCompletionSource();
                Rest();
                await _resumed.Task;
                _resumed = null;
                continue;
            }
            var workers = new Task[Workers];
            for (int i = 0; i < Workers; i++)
                workers[i] = WorkAsync(run);
            await Task.WhenAll(workers);
            if (_isEnding || run.IsComplete)
                break;
        }
        if (run.IsComplete)
            _end = ScrubEnd.Complete;
    }

    // Whoever waits for that goes on at once, here, and may stop the device.
    private void Rest()
    {
        TaskCompletionSource? atRest = _atRest;
        _atRest = null;
        atRest?.SetResult();
    }

    private async Task WorkAsync(ScrubRun run)
    {
        var mine = new LentBuffer?[legs.Legs.Length];
        try
        {
            while (!_isEnding && !_isPaused && run.TryTake(out Sectors start, out Sectors count))
            {
                if (count == Sectors.Zero)
                {
                    await Task.Yield();
                    continue;
                }
                await _pacer!.WaitAsync(count.Bytes);
                if (_isEnding || _isPaused || !CanCompare(run))
                {
                    run.PutBack(start, count);
                    continue;
                }
                if (!TryRent(mine, legs.Set))
                {
                    // Legs that hang keep the memory of what they were asked.
                    run.PutBack(start, count);
                    await _pacer.DelayAsync(s_rest);
                    continue;
                }
                await ChunkAsync(run, start, count, mine);
                run.Done(start, count);
                TellProgress(run, isRunning: true);
            }
        }
        catch
        {
            _isEnding = true;
            throw;
        }
        finally
        {
            foreach (LentBuffer? buffer in mine)
                buffer?.Release();
        }
    }

    private bool CanCompare(ScrubRun run)
    {
        if (BitOperations.PopCount(legs.Set) > 1 && (run.From is not { } from || legs[from].IsInSet))
            return true;
        End(ScrubEnd.LegsMissing);
        return false;
    }

    private void TellProgress(ScrubRun run, bool isRunning)
    {
        TimeSpan passed = host.Loop.Time.GetElapsedTime(_beganAt);
        long done = run.DoneSectors - _beganDone;
        long rate = passed <= TimeSpan.Zero ? 0 : (long)(new Sectors(done).Bytes / passed.TotalSeconds);
        TimeSpan left = done == 0 ? TimeSpan.Zero : passed * ((double)(legs.Length.Count - run.DoneSectors) / done);
        var progress = new ScrubProgress(
            run.IsRepair, isRunning, mirror.Begin + run.Position, new Sectors(run.DoneSectors), legs.Length, rate, left,
            new Sectors(run.Found.Differing), new Sectors(run.Found.UnreadableSectors));
        Volatile.Write(ref _progress, progress);
        if (!isRunning || progress.Percent < _toldPercent + PercentStep)
            return;
        _toldPercent = progress.Percent / PercentStep * PercentStep;
        MapperLog.ScrubProgress(
            host.Logger, host.Name, run.IsRepair ? "repair" : "check", _toldPercent, rate >> 20, (long)left.TotalSeconds);
    }

    private ScrubReport ReportOf(ScrubRun run) => new()
    {
        IsRepair = run.IsRepair,
        From = run.From,
        End = _end,
        Begin = mirror.Begin,
        Length = legs.Length,
        Position = mirror.Begin + run.Position,
        Compared = new Sectors(run.ComparedSectors),
        Differing = new Sectors(run.Found.Differing),
        Repaired = new Sectors(run.Found.Repaired),
        Undecided = new Sectors(run.Found.Undecided),
        Failed = new Sectors(run.Found.Failed),
        Mismatches = run.Found.Mismatches,
        Unlisted = run.Found.Unlisted,
        Unreadable = run.Found.Unreadable,
        UnreadableSectors = new Sectors(run.Found.UnreadableSectors),
        LackedRegions = run.LackedRegions,
        DifferingRegions = run.DifferingRegions,
        DisturbedRegions = run.DisturbedRegions,
        Legs = run.Compared,
    };
}
