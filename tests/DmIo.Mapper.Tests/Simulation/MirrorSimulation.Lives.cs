using DmIo.Testing;

namespace DmIo.Mapper.Tests;

// Starts and ends.
internal sealed partial class MirrorSimulation
{
    // Far longer than anything needs that the engine does by itself.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    // Recovery, probes and retries take seconds.
    private static readonly TimeSpan s_selfHelp = TimeSpan.FromMinutes(1);

    private IEnumerable<SimulatedMedia> AllMedia => Log is null ? Legs : [.. Legs, Log, Sidecar!];

    private void Start()
    {
        _missing.Clear();
        if (_random.Next(6) == 0)
        {
            Story?.Add("legs change places in the table");
            Shuffle();
        }
        if (_model.Now > 0 && _random.Next(12) == 0 && TryReplaceLeg())
            return;
        bool withoutSome = _model.Now > 0 && _random.Next(4) == 0;
        if (withoutSome)
        {
            foreach (SimulatedMedia leg in Legs.OrderBy(_ => _random.Next()).Take(_random.Next(1, Legs.Count)))
                _missing.Add(leg.Name);
            if (TryStart() is null)
            {
                Reach("started without some legs");
                return;
            }
            Reach("refused to start without some legs");
            NewLoop();
            _missing.Clear();
        }
        if (TryStart() is { } problem)
            throw new HistoryViolationException($"with all legs the mirror does not start: {problem}");
    }

    private void Shuffle()
    {
        SimulatedMedia[] shuffled = [.. Legs];
        _random.Shuffle(shuffled);
        Legs.Clear();
        Legs.AddRange(shuffled);
    }

    // A device that the record does not know stands in a leg's place; where that leg is needed, it comes back.
    private bool TryReplaceLeg()
    {
        int place = _random.Next(Legs.Count);
        SimulatedMedia old = Legs[place];
        Legs[place] = NewLeg();
        if (_random.Next(2) == 0)
            FillWithRubbish(Legs[place]);
        Story?.Add($"{Legs[place].Name} replaces {old.Name}");
        _isReplacing = true;
        bool started = TryStart() is null;
        _isReplacing = false;
        if (started)
        {
            Reach("started with another leg");
            return true;
        }
        Reach("refused to start with another leg");
        NewLoop();
        Legs[place] = old;
        return false;
    }

    private static void FillWithRubbish(SimulatedMedia leg)
    {
        var rubbish = new TestBuffer(leg.BlockBytes);
        rubbish.Span.Fill(0xDD);
        for (int block = 0; block < leg.Length.Bytes / leg.BlockBytes; block++)
            leg.Contents.Change(block, rubbish.Vector, durable: true, unmaps: false, write: 0);
    }

    // Power may go while it starts; then it starts again.
    private string? TryStart()
    {
        while (true)
        {
            bool hangs = CanLogHang && _random.Next(10) == 0;
            Task<MappedDevice> created = BeginStart(hangs && _random.Next(2) == 0);
            if (hangs && HangsWhileStarting(created))
                continue;
            if (_random.Next(6) == 0 && !IsDoneWithin(created, _random.NextDouble() * 4))
            {
                Reach("power cuts while starting");
                PowerCut();
                continue;
            }
            return EndStart(created);
        }
    }

    // The log hangs while it starts: it is refused, unless it was so far that it goes on without the log.
    private bool HangsWhileStarting(Task<MappedDevice> created)
    {
        if (!IsDoneWithin(created, _random.NextDouble() * 4))
            HangLog();
        Pass(() => created.IsCompleted, "a start ends");
        if (!created.IsFaulted)
            return false;
        if (created.Exception!.InnerException is not MapperException refused)
            throw created.Exception;
        Story?.Add($"start refused: {refused.Message}");
        Reach("refused to start while the log hangs");
        _store = _store.Crash();
        foreach (SimulatedMedia media in AllMedia)
            media.Kill();
        CheckLog("a refused start");
        NewLoop();
        return true;
    }

    private bool IsDoneWithin(Task task, double milliseconds)
    {
        _loop.RunUntilIdle();
        _loop.Time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        return task.IsCompleted;
    }

    private Task<MappedDevice> BeginStart(bool hangs)
    {
        foreach (SimulatedMedia media in AllMedia)
        {
            // A start fails on a log that fails; what follows is of interest here.
            media.Faults.Heal();
            media.Return();
            if (media.IsHung)
                media.EndHang();
        }
        _store.Error = Errno.None;
        if (hangs)
            HangLog();
        NamePlaces();
        var errors = new List<TableError>();
        Table table = TableParser.Parse(TableText(), errors) ?? throw new InvalidOperationException(string.Join('\n', errors));
        return MappedDevice.CreateAsync(_loop, "vol0", table, this, _options);
    }

    private string? EndStart(Task<MappedDevice> created)
    {
        Pass(() => created.IsCompleted, "a start ends");
        if (created.IsFaulted)
        {
            if (created.Exception!.InnerException is MapperException refused)
            {
                Story?.Add($"start refused: {refused.Message}");
                return refused.Message;
            }
            throw created.Exception;
        }
        _device = created.Result;
        _client.Device = _fault.Volume(_device);
        Story?.Add($"started: {_device.StatusLine()}");
        Reach("starts");
        if (_isLogSlow)
            SlowLog(0.1);
        return null;
    }

    private void PowerCut()
    {
        Reach("power cuts");
        Story?.Add("power is cut");
        _store = _store.Crash();
        foreach (SimulatedMedia media in AllMedia)
            media.PowerCut();
        _client.PowerCut();
        CheckLog("a power cut");
        NewLoop();
    }

    private void Kill()
    {
        _loop.RunUntilIdle();
        Reach("kills");
        Story?.Add("the program is killed");
        _store = _store.Crash();
        foreach (SimulatedMedia media in AllMedia)
            media.Kill();
        KillClient();
        CheckLog("a kill");
        NewLoop();
    }

    // What was acknowledged is kept, but for two things, of which only what was flushed is. What was answered before all
    // legs had it; and what a leg has forgotten in a flush that failed, until the record says so: what it kept instead of
    // it is read then, as after a power cut.
    private void KillClient()
    {
        NoteRecordedFlush();
        if (_options.Mirror.WriteQuorum > 0 || _hasUnrecordedFlush)
        {
            Reach("kills with a failed flush unrecorded", _hasUnrecordedFlush ? 1 : 0);
            // Nobody knows any more that a cache holds what is not on the disk: no copy of it could be told from the disk.
            if (_hasUnrecordedFlush)
                Legs.ForEach(leg => leg.Contents.EvictForgotten());
            _client.PowerCut();
        }
        else
        {
            _client.Kill();
        }
    }

    // Whether what legs have forgotten is decided, and durably recorded.
    private void NoteRecordedFlush() => _hasUnrecordedFlush = _hasUnrecordedFlush
        && (!IsMirror || !Mirror.AreFailuresRecorded || Knowledge.Legs.ToArray().Any(leg => leg.Suspicions > 0));

    // Power goes, or the program is killed, while it stops.
    private void CutStop()
    {
        Pass(() => _client.UnderWay == 0, "every request completes");
        if (!IsDoneWithin(_device!.StopAsync(), _random.NextDouble() * 10))
            Reach("stops that were cut off");
        if (_random.Next(2) == 0)
            PowerCut();
        else
            Kill();
    }

    private void Stop()
    {
        // While the log hangs, what is held for it ends with the stop.
        if (!AllMedia.Any(media => media.IsHung))
            Pass(() => _client.UnderWay == 0, "every request completes");
        Task stop = _device!.StopAsync();
        Pass(() => stop.IsCompleted, "a stop ends");
        if (stop.IsFaulted && !InTrouble())
            throw new HistoryViolationException($"a clean stop failed: {stop.Exception!.InnerException!.Message}");
        Reach(stop.IsFaulted ? "stops that failed" : "clean stops");
        if (_client.UnderWay > 0)
            throw new HistoryViolationException("a stop has ended and requests have not");
        NoteRecordedFlush();
        Task disposed = _loop.InvokeAsync(_device.DisposeAsync);
        Pass(() => disposed.IsCompleted, "a device can be disposed of");
        disposed.GetAwaiter().GetResult();
        // Its end is that of a life: what was acknowledged is there.
        foreach (SimulatedMedia media in AllMedia)
            media.Kill();
        if (_hasUnrecordedFlush)
            _client.PowerCut();
        else
            _client.Kill();
        NewLoop();
    }

    private void NewLoop()
    {
        _loop = new ManualLoop();
        if (Story is not null)
            Story.Time = _loop.Time;
        if (_device is not null && IsMirror)
            Reach("writes answered early", Mirror.LastAnsweredEarly);
        _device = null;
        _failing.Clear();
        _hasForgotten = false;
        _hasUnrecordedFlush = _endsSoon = false;
        _lastTrouble = s_longAgo;
    }
}
