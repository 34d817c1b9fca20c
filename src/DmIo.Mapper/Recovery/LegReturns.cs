namespace DmIo.Mapper;

/// <summary>
/// Looks at the legs that are out of the set, less and less often while they fail, and lets those return that answer: a
/// leg that failed to be written must take a block of what it lacks, and be flushed.
/// </summary>
internal sealed class LegReturns : IDisposable
{
    private readonly MirrorTarget _mirror;
    private readonly MappedDevice _host;
    private readonly LegSet _legs;
    private readonly LegWriter _writer;
    private readonly MirrorOptions _options;
    private readonly TimeSpan[] _after;
    private readonly long[] _dueAt;
    private readonly ITimer _timer;
    private Task _probing = Task.CompletedTask;
    private bool _stopping;

    public LegReturns(MirrorTarget mirror, MappedDevice host, LegSet legs, LegWriter writer, MirrorOptions options)
    {
        _mirror = mirror;
        _host = host;
        _legs = legs;
        _writer = writer;
        _options = options;
        _after = new TimeSpan[legs.Legs.Length];
        Array.Fill(_after, options.ProbeAfter);
        _dueAt = new long[legs.Legs.Length];
        _timer = host.Loop.Time.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A leg has left the set: it will be looked at.</summary>
    public void LegLeft(Leg leg)
    {
        Schedule(leg);
        TimeSpan next = _after[leg.Index] * 2;
        _after[leg.Index] = next < _options.ProbeLimit ? next : _options.ProbeLimit;
    }

    /// <summary>A leg is in sync: the next time it leaves it is looked at soon.</summary>
    public void LegInSync(Leg leg) => _after[leg.Index] = _options.ProbeAfter;

    /// <summary>What a leg was asked that hung has ended: it answers again, perhaps.</summary>
    public void LegLanded(Leg leg)
    {
        _after[leg.Index] = _options.ProbeAfter;
        Schedule(leg);
    }

    /// <summary>A leg that is out is looked at at once, and soon again.</summary>
    public void LookNow(Leg leg)
    {
        if (_stopping || !_options.Recovers)
            return;
        _after[leg.Index] = _options.ProbeAfter;
        _dueAt[leg.Index] = _host.Loop.Time.GetTimestamp();
        Arm(TimeSpan.Zero);
    }

    /// <summary>Recovery met what may pass: it is to be tried again.</summary>
    public void RetryRecovery() => Arm(_options.ProbeAfter);

    public Task StopAsync()
    {
        _stopping = true;
        return _probing;
    }

    /// <summary>Goes on after <see cref="StopAsync"/>: legs that are out are looked at soon.</summary>
    public void Resume()
    {
        _stopping = false;
        foreach (Leg leg in _legs.Legs)
        {
            if (!leg.IsInSet && leg.Abandoned == 0)
                Schedule(leg);
        }
    }

    public void Dispose()
    {
        _stopping = true;
        _timer.Dispose();
    }

    private void Schedule(Leg leg)
    {
        if (_stopping || !_options.Recovers || !leg.IsPresent || leg.IsFailedByHand)
            return;
        _dueAt[leg.Index] = _host.Loop.Time.GetTimestamp()
            + (long)(_after[leg.Index].TotalSeconds * _host.Loop.Time.TimestampFrequency);
        Arm(_after[leg.Index]);
    }

    // The timer may fire early for some leg: then it is armed again.
    private void Arm(TimeSpan after)
    {
        if (!_stopping)
            _timer.Change(after, Timeout.InfiniteTimeSpan);
    }

    private void Fire()
    {
        if (_stopping || !_probing.IsCompleted)
            return;
        _probing = _host.Spawn("looking at legs", ProbeAsync);
    }

    private async ValueTask ProbeAsync()
    {
        _mirror.StartRecovery();
        for (int i = 0; i < _legs.Legs.Length && !_stopping; i++)
        {
            Leg leg = _legs[i];
            if (!IsLookedAt(leg) || _host.Loop.Time.GetTimestamp() < _dueAt[i])
                continue;
            if (await AnswersAsync(leg) && IsLookedAt(leg) && !_stopping)
                _mirror.Return(leg);
            else if (!leg.IsInSet)
                LegLeft(leg);
        }
        // Others may have left meanwhile, and their time has passed unheard.
        ArmForNext();
    }

    private static bool IsLookedAt(Leg leg) =>
        leg is { IsInSet: false, IsPresent: true, Abandoned: 0, IsFailedByHand: false };

    private void ArmForNext()
    {
        long now = _host.Loop.Time.GetTimestamp();
        long next = long.MaxValue;
        foreach (Leg leg in _legs.Legs)
        {
            if (IsLookedAt(leg))
                next = Math.Min(next, Math.Max(now, _dueAt[leg.Index]));
        }
        if (next < long.MaxValue)
            Arm(_host.Loop.Time.GetElapsedTime(now, next));
    }

    private async Task<bool> AnswersAsync(Leg leg)
    {
        // Where it failed, if it lacks that place; else anywhere it lacks something.
        long region = leg.Failure is { } failure && failure.Sector >= leg.Offset.Count
            ? _legs.RegionOf(new Sectors(failure.Sector) - leg.Offset) : -1;
        if (region < 0 || region >= _legs.Regions || !leg.Lacks.Contains(region))
            region = leg.Lacks.NextFrom(0);
        // Writes that are held back keep their turns, and what the leg lacks is where they are: then a flush must do.
        if (region >= 0 && !_mirror.HoldsWritesBack && !await TakesAsync(leg, region))
            return false;
        return (await _writer.FlushAsync(leg.Bit)).Bits == 0;
    }

    private async Task<bool> TakesAsync(Leg leg, long region)
    {
        Sectors block = new(_host.LogicalBlockBytes >> Sectors.Shift);
        Sectors at = _legs.StartOf(region);
        if (leg.Failure is { } failure && failure.Sector - leg.Offset.Count is var sector
            && sector >= at.Count && sector + block.Count <= _legs.StartOf(region + 1).Count)
        {
            at = new Sectors(sector & -block.Count);
        }
        var turn = new AwaitedTurn();
        await turn.EnterAsync(_host.Turns, _mirror.Begin + at, block);
        try
        {
            return await _mirror.CopyBlockAsync(leg, at, block);
        }
        finally
        {
            _host.Turns.Leave(turn);
        }
    }
}
