using DmIo.Testing;

namespace DmIo.Mapper.Tests;

// Starts, ends, and what is checked there.
internal sealed partial class MirrorSimulation
{
    // Far longer than anything needs that the engine does by itself.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    private IEnumerable<SimulatedMedia> AllMedia => Log is null ? Legs : [.. Legs, Log, Sidecar!];

    private void Start()
    {
        _missing.Clear();
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

    private string? TryStart()
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
        var errors = new List<TableError>();
        Table table = TableParser.Parse(_table, errors) ?? throw new InvalidOperationException(string.Join('\n', errors));
        Task<MappedDevice> created = MappedDevice.CreateAsync(_loop, "vol0", table, this, _options);
        Pass(() => created.IsCompleted, "a start ends");
        if (created.IsFaulted)
        {
            if (created.Exception!.InnerException is MapperException refused)
            {
                Story.Add($"start refused: {refused.Message}");
                return refused.Message;
            }
            throw created.Exception;
        }
        _device = created.Result;
        _client.Device = _device;
        Story.Add($"started: {_device.StatusLine()}");
        Reach("starts");
        return null;
    }

    private void PowerCut()
    {
        Reach("power cuts");
        Story.Add("power is cut");
        _store.Crash();
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
        Story.Add("the program is killed");
        _store.Crash();
        foreach (SimulatedMedia media in AllMedia)
            media.Kill();
        _client.Kill();
        CheckLog("a kill");
        NewLoop();
    }

    private void Stop()
    {
        Pass(() => _client.UnderWay == 0, "every request completes");
        Task stop = _device!.StopAsync();
        Pass(() => stop.IsCompleted, "a stop ends");
        if (stop.IsFaulted && !InTrouble())
            throw new HistoryViolationException($"a clean stop failed: {stop.Exception!.InnerException!.Message}");
        Reach(stop.IsFaulted ? "stops that failed" : "clean stops");
        Task disposed = _loop.InvokeAsync(_device.DisposeAsync);
        Pass(() => disposed.IsCompleted, "a device can be disposed of");
        disposed.GetAwaiter().GetResult();
        // Its end is that of a life: what was acknowledged is there.
        foreach (SimulatedMedia media in AllMedia)
            media.Kill();
        _client.Kill();
        NewLoop();
    }

    private void NewLoop()
    {
        _loop = new ManualLoop();
        Story.Time = _loop.Time;
        _device = null;
    }

    // Everything works again; all legs come to be in sync, equal, and right.
    private void Rest()
    {
        if (_missing.Count > 0)
        {
            Calm();
            Stop();
            _missing.Clear();
            if (TryStart() is { } problem)
                throw new HistoryViolationException($"with all legs the mirror does not start: {problem}");
        }
        Calm();
        Pass(() => _client.UnderWay == 0, "every request completes");
        Pass(() => Knowledge.IsWhole && Knowledge.Set == Knowledge.All, "all legs come to be in sync");
        Reach("rests");
        byte[] right = ContentsOf(Legs[0]);
        if (_model.CheckNow(0, right) is { } wrong)
            throw new HistoryViolationException($"at rest, leg 0: {wrong}");
        foreach (SimulatedMedia leg in Legs)
        {
            int same = ContentsOf(leg).AsSpan().CommonPrefixLength(right);
            if (same < right.Length)
                throw new HistoryViolationException($"at rest {leg.Name} differs from leg0 at sector {same / 512}");
        }
    }

    private void Calm()
    {
        Story.Add("all is well again");
        _store.Error = Errno.None;
        foreach (SimulatedMedia media in AllMedia)
        {
            media.Faults.Heal();
            media.Revive();
            media.Return();
            if (media.IsHung)
                media.EndHang();
        }
    }

    private void Pass(Func<bool> condition, string what)
    {
        _loop.RunUntilIdle();
        TimeSpan step = TimeSpan.FromMilliseconds(1);
        for (TimeSpan passed = TimeSpan.Zero; !condition(); passed += step)
        {
            if (passed > s_patience)
                throw new HistoryViolationException($"it does not come about that {what}: {_device?.StatusLine()}");
            _loop.Time.Advance(step);
            AssertNoBug();
            step = step < TimeSpan.FromSeconds(1) ? step * 2 : step;
        }
    }

    // Where the log that is left says clean, all legs are identical.
    private void CheckLog(string after)
    {
        if (Log is null || _store.Text is { } text && MirrorStateJson.Read(text, "vol0", "").LogLost)
            return;
        var image = new LogImage(_length / _regionSize, Log.BlockBytes);
        Log.Contents.Visible(0, image.Bytes.Length / Log.BlockBytes).CopyTo(image.Bytes);
        if (!image.HasMagic)
            return;
        byte[][] contents = [.. Legs.Select(ContentsOf)];
        int region = (int)new Sectors(_regionSize).Bytes;
        for (int r = 0; r < image.Regions; r++)
        {
            if (!image.IsClean(r))
                continue;
            Reach("clean regions compared");
            ReadOnlySpan<byte> first = contents[0].AsSpan(r * region, region);
            for (int leg = 1; leg < contents.Length; leg++)
            {
                if (!contents[leg].AsSpan(r * region, region).SequenceEqual(first))
                {
                    throw new HistoryViolationException(
                        $"after {after} the log says that region {r} is clean, and leg {leg} differs from leg 0 there");
                }
            }
        }
    }

    private static byte[] ContentsOf(SimulatedMedia leg) =>
        leg.Contents.Visible(0, (int)(leg.Length.Bytes / leg.BlockBytes)).ToArray();
}
