namespace DmIo.Daemon.Tests;

/// <summary>
/// Changes a mirror by the verbs, one after the other, while clients write and a leg misbehaves: no request fails, nothing
/// acknowledged is lost, a check finds nothing, and at the end all legs are the same. All choices come from the seed.
/// </summary>
public sealed class ChangeRun : IDisposable
{
    private const long StampedBytes = (ChangedVolume.FirstMib << 20) / 2;
    private const int Depth = 12;
    // So that every change meets requests before, during and after it.
    private const int WritesBetween = 50;
    private const int MostWritesInTrouble = 2000;

    private readonly ChangeOptions _options;
    private readonly TextWriter _told;
    private readonly Random _random;
    private readonly StampedLoad _load;
    private readonly FioLoad _fio;
    private readonly ChangedVolume _volume;
    private readonly MirrorChanges _changes;
    private readonly LegTroubleKind[] _troubles = Enum.GetValues<LegTroubleKind>();

    public ChangeRun(ChangeOptions options, TextWriter told)
    {
        (_options, _told, _random) = (options, TextWriter.Synchronized(told), new Random(options.Seed));
        _volume = new ChangedVolume(options, _told);
        _load = new StampedLoad(options.Seed, StampedBytes, options.Connections, Depth);
        _fio = new FioLoad(options.Seed, _volume.Uri, StampedBytes, StampedBytes);
        _changes = new MirrorChanges(_volume, _random, WaitForWrites);
    }

    private bool HasFailed => _load.Failures.Count > 0 || _fio.Failure is not null || _volume.Daemon.HasExited;

    /// <summary>Goes on as long as it is told to, then checks everything.</summary>
    /// <param name="goesOn">Whether there is another change, given how many there were.</param>
    /// <exception cref="InvalidDataException">Something is wrong; the message says what, and after which change.</exception>
    public void Run(Func<int, bool> goesOn)
    {
        Thread[] clients = _load.Start(_volume.Socket);
        _fio.Start();
        int done = 0;
        string when = "the start";
        try
        {
            for (; goesOn(done); done++)
            {
                // Each kind once before any comes again.
                if (done % _changes.All.Length == 0)
                    _random.Shuffle(_changes.All);
                if (done % _troubles.Length == 0)
                    _random.Shuffle(_troubles);
                Action change = _changes.All[done % _changes.All.Length];
                LegTroubleKind trouble = _troubles[done % _troubles.Length];
                when = $"change {done}: {change.Method.Name}, {trouble}, {_volume.Legs.Count} legs, {_volume.Mib}M";
                _told.WriteLine(when);
                Change(change, trouble);
            }
            when = "the end";
            WaitForWrites(WritesBetween);
            _load.Finish();
            _fio.Finish();
            foreach (Thread client in clients)
            {
                if (!client.Join(Deadline.Usual))
                    throw new InvalidDataException("a client still waits for the server");
            }
            CheckAll();
        }
        catch (Exception e)
        {
            throw new InvalidDataException($"{_options}, {when}: {e.Message}\n{_volume.Daemon.Log}", e);
        }
        _told.WriteLine($"{_options}: {done} changes, {_volume.Refusals} refusals, {_load.Acknowledged} writes and {_load.Flushes} "
            + $"flushes acknowledged, {_fio.Rounds} rounds of fio, nothing lost, {_volume.Legs.Count} legs are the same");
    }

    public void Dispose()
    {
        _volume.Dispose();
        _load.Finish();
        _fio.Finish();
    }

    private void Change(Action change, LegTroubleKind kind)
    {
        WaitForWrites(WritesBetween);
        long goal = _load.Acknowledged + _random.Next(MostWritesInTrouble);
        var trouble = new LegTrouble(_volume, kind, _random, () => _load.Acknowledged >= goal || HasFailed);
        _changes.IsShakyInTrouble = kind is not (LegTroubleKind.None or LegTroubleKind.Check);
        try
        {
            change();
        }
        finally
        {
            trouble.End();
        }
        _volume.WaitInSync(() => HasFailed);
        Require(_load.Failures);
    }

    private void CheckAll()
    {
        Require(_load.Failures);
        _changes.Check();
        Require(_load.CheckVolume(_volume.Socket));
        Require(_fio.CheckVolume());
        if (_volume.Daemon.Stop() != 0)
            throw new InvalidDataException("the stop was not clean");
        string bytes = $"{(long)_volume.Mib << 20}";
        foreach (ChangedLeg leg in _volume.Legs)
        {
            Require(_load.Check(leg.File));
            Require(_fio.Check(leg.File));
            ToolResult same = Tool.Run("cmp", "-n", bytes, _volume.Legs[0].File, leg.File);
            if (same.ExitCode != 0)
                throw new InvalidDataException($"legs in sync are not the same: {same.Output}{same.Error}");
        }
    }

    private void WaitForWrites(int count)
    {
        long goal = _load.Acknowledged + count;
        Deadline.WaitFor(() => _load.Acknowledged >= goal || HasFailed, "writes");
        Require(_load.Failures);
    }

    private void Require(IReadOnlyList<string> wrong)
    {
        Require(_fio.Failure);
        if (wrong.Count > 0)
            throw new InvalidDataException($"{wrong.Count} wrong, the first: {wrong[0]}");
    }

    private static void Require(string? wrong)
    {
        if (wrong is not null)
            throw new InvalidDataException(wrong);
    }
}
