namespace DmIo.Mapper.Tests;

// The device is suspended, gets another table, more or fewer legs, while clients go on asking.
internal sealed partial class MirrorSimulation
{
    // Arbitrary: more take their time and have nothing new to show.
    private const int MostLegs = 5;

    // Who a word of the table stands for, in this life.
    private readonly Dictionary<string, SimulatedMedia> _places = [];

    private readonly Dictionary<string, BlockDevice> _opened = [];

    private void NamePlaces()
    {
        _places.Clear();
        _opened.Clear();
        for (int i = 0; i < Legs.Count; i++)
            _places.Add($"place{i}", Legs[i]);
    }

    private string TableText() =>
        $"0 {_length} mirror {(HasDiskLog ? "disk 2 log" : "core 1")} {_regionSize} {Legs.Count} "
        + string.Join(' ', Legs.Select((_, i) => $"place{i} 0")) + " 1 handle_errors";

    private void ChangeDevice()
    {
        switch (_random.Next(5))
        {
            case 0 or 1:
                SuspendAndResume();
                break;
            case 2 when Legs.Count < MostLegs:
                AddLeg();
                break;
            case 3 when Legs.Count > MirrorSpec.MinLegs:
                RemoveLeg();
                break;
            default:
                ReplaceLegWhileServing();
                break;
        }
    }

    private void SuspendAndResume()
    {
        Story?.Add("suspending");
        Task suspending = _device!.SuspendAsync(flush: _random.Next(2) == 0);
        if (!GoOnUntil(suspending))
            return;
        // Not flushed: it serves on.
        Reach(suspending.IsFaulted ? "suspensions that failed" : "suspensions");
        for (int i = _random.Next(20); i > 0; i--)
            AskAndPass();
        if (_random.Next(2) == 0)
        {
            Task loading = _device.LoadAsync(_device.Table);
            Pass(() => loading.IsCompleted, "a table can be loaded");
            Reach(loading.IsFaulted ? "tables that were refused" : "tables loaded");
        }
        Story?.Add("resuming");
        Task resuming = _device.ResumeAsync();
        if (GoOnUntil(resuming))
            EndChange(resuming, "resumes");
    }

    private void AddLeg()
    {
        SimulatedMedia leg = NewLeg();
        if (_random.Next(2) == 0)
            FillWithRubbish(leg);
        string place = $"place{_made}";
        _places.Add(place, leg);
        Story?.Add($"adding {leg.Name}");
        Task adding = _device!.AddLegAsync(new DeviceArgument(place, Sectors.Zero));
        if (GoOnUntil(adding))
            EndChange(adding, "legs added");
    }

    private void RemoveLeg()
    {
        int index = _random.Next(Legs.Count);
        Story?.Add($"removing {Legs[index].Name}");
        Task removing = _device!.RemoveLegAsync(index);
        if (GoOnUntil(removing))
            EndChange(removing, "legs removed");
    }

    private void ReplaceLegWhileServing()
    {
        SimulatedMedia leg = NewLeg();
        int index = _random.Next(Legs.Count);
        string place = $"place{_made}";
        _places.Add(place, leg);
        Story?.Add($"replacing {Legs[index].Name} by {leg.Name}");
        using var giveUp = new CancellationTokenSource();
        Task replacing = _device!.ReplaceLegAsync(index, new DeviceArgument(place, Sectors.Zero), giveUp.Token);
        for (int i = _random.Next(200); i > 0 && !replacing.IsCompleted; i--)
            AskAndPass();
        if (!replacing.IsCompleted && _random.Next(4) == 0)
        {
            EndLifeSuddenly();
            return;
        }
        if (!replacing.IsCompleted && _random.Next(2) == 0)
            Calm();
        giveUp.Cancel();
        if (!GoOnUntil(replacing))
            return;
        Reach(replacing.IsCompletedSuccessfully ? "legs replaced" : "replacements given up");
        NoteRecordedFlush();
    }

    // What happens meanwhile; false when the life has ended instead.
    private bool GoOnUntil(Task change)
    {
        for (int i = _random.Next(10); i > 0 && !change.IsCompleted; i--)
            AskAndPass();
        if (!change.IsCompleted && _random.Next(4) == 0)
        {
            EndLifeSuddenly();
            return false;
        }
        if (!change.IsCompleted && AllMedia.Concat(_places.Values).Any(media => media.IsHung || media.Vanished > 0))
            Calm();
        foreach (SimulatedMedia media in _places.Values)
        {
            if (!change.IsCompleted && media.IsHung)
                media.EndHang();
        }
        // What vanishes from now on nobody would complete.
        foreach (SimulatedMedia media in AllMedia.Concat(_places.Values))
            media.Faults.Vanishings = 0;
        Pass(() => change.IsCompleted, "a change of the device ends");
        if (!IsMirror)
        {
            Reach("tables lost and taken again");
            Calm();
            Pass(() => IsMirror && !_device!.IsSuspended, "the table before is taken again");
        }
        TakeLegsOfTable();
        return true;
    }

    // Whoever starts it again after a cut names the legs that it had.
    private void TakeLegsOfTable()
    {
        SimulatedMedia[] legs = [.. _device!.Table.Lines[0].Target.Devices.Select(leg => _places[leg.Device])];
        for (int i = 0; i < Legs.Count; i++)
        {
            if (legs.Length < Legs.Count && !legs.Contains(Legs[i]))
                _options = _options with { Mirror = _options.Mirror.WithoutLeg(i) };
        }
        Legs.Clear();
        Legs.AddRange(legs);
    }

    private void EndChange(Task change, string what)
    {
        if (change.IsFaulted && change.Exception!.InnerException is not MapperException)
            throw change.Exception;
        if (change.IsFaulted)
            Story?.Add($"refused: {change.Exception!.InnerException!.Message}");
        Reach(change.IsFaulted ? $"{what}: refused" : what);
    }

    private void EndLifeSuddenly()
    {
        Reach("lives that ended in a change");
        // Where neither table is taken it names those of the one before.
        if (IsMirror)
            TakeLegsOfTable();
        // A leg that is new has no place in the record before the log has been opened with it.
        _isReplacing = true;
        if (_random.Next(2) == 0)
            PowerCut();
        else
            Kill();
        // With all of them: what the record does not know is not known by the word for it while it is missing.
        _missing.Clear();
        if (TryStart() is { } problem)
            throw new HistoryViolationException($"with all legs the mirror does not start: {problem}");
        _isReplacing = false;
    }

    private void AskAndPass()
    {
        if (_client.UnderWay < MaxUnderWay)
            Ask();
        if (_random.Next(2) == 0)
            _loop.Time.Advance(TimeSpan.FromMilliseconds(_random.NextDouble() * 10));
        _loop.RunUntilIdle();
        ForgetDecided();
        NoteRecordedFlush();
        AssertNoBug();
    }
}
