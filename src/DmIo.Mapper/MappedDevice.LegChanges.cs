namespace DmIo.Mapper;

// Legs come and go while the volume serves: each change is another table, and the record says what a leg lacks under it.
public sealed partial class MappedDevice
{
    private TaskCompletionSource? _nextEvent;

    /// <summary>
    /// Gives the mirror another leg, behind the others; what it lacks, all of it, is copied to it. From any thread.
    /// </summary>
    /// <param name="leg">A device that the mirror's source of devices can find.</param>
    /// <param name="cancellationToken">Gives up before the leg is there.</param>
    /// <exception cref="MapperException">It cannot be done; nothing has changed.</exception>
    public Task AddLegAsync(DeviceArgument leg, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(leg);
        return ChangeAsync(async () =>
        {
            (MirrorTarget mirror, MirrorSpec spec) = OnlyMirror();
            if (spec.Legs.Count == MirrorSpec.MaxLegs)
                throw new MapperException($"{Name}: a mirror has at most {MirrorSpec.MaxLegs} legs; remove one first");
            await TakeLegsAsync(mirror, [.. spec.Legs, leg], _options, cancellationToken);
        });
    }

    /// <summary>Takes a leg out of the mirror; those behind it move up. From any thread.</summary>
    /// <param name="leg">Counted from 0.</param>
    /// <param name="cancellationToken">Gives up before the leg is gone.</param>
    /// <exception cref="MapperException">
    /// It cannot be done: the leg alone holds something, or too few would be left; nothing has changed.
    /// </exception>
    public Task RemoveLegAsync(int leg, CancellationToken cancellationToken = default) => ChangeAsync(async () =>
    {
        (MirrorTarget mirror, MirrorSpec spec) = OnlyMirror();
        CheckIndex(leg, spec);
        if (spec.Legs.Count == MirrorSpec.MinLegs)
        {
            throw new MapperException(
                $"{Name}: a mirror has at least {MirrorSpec.MinLegs} legs; put another in its place (leg replace), take it "
                + "out of use (leg fail), or load a table without a mirror (reload)");
        }
        CheckCanGo(mirror, leg);
        MirrorOptions options = _options.Mirror.WithoutLeg(leg);
        await TakeLegsAsync(
            mirror, [.. spec.Legs.Where((_, i) => i != leg)], _options with { Mirror = options }, cancellationToken, leg);
    });

    /// <summary>
    /// Puts another leg in the place of one. The old one serves until the new one holds everything, unless others hold all
    /// that it has and it is out of the set already. Who gives up waiting leaves both in the mirror, the new one behind
    /// the others: the same call again goes on. From any thread.
    /// </summary>
    /// <param name="leg">The old one, counted from 0.</param>
    /// <param name="by">The new one.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="MapperException">It cannot be done; the old leg is still there.</exception>
    public Task ReplaceLegAsync(int leg, DeviceArgument by, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(by);
        return Loop.InvokeAsync(async () =>
        {
            bool done = false;
            await ChangeAsync(async () => done = await BeginReplacingAsync(leg, by, cancellationToken));
            if (done)
                return;
            await WhenAsync(() => HoldsEverything(by), cancellationToken);
            await ChangeAsync(() => EndReplacingAsync(leg, by, cancellationToken));
        });
    }

    // True when the new leg has the old one's place already.
    private async Task<bool> BeginReplacingAsync(int leg, DeviceArgument by, CancellationToken cancellationToken)
    {
        (MirrorTarget mirror, MirrorSpec spec) = OnlyMirror();
        CheckIndex(leg, spec);
        if (spec.Legs[leg] == by)
            throw new MapperException($"{Name}: {by.Device} is leg {leg} already; name another device to replace it by");
        if (spec.Legs.Contains(by))
            return false;
        Leg old = mirror.Knowledge[leg];
        bool isUseless = !old.IsInSet && mirror.Knowledge.HeldOnlyBy(old) < 0;
        if (!isUseless && spec.Legs.Count < MirrorSpec.MaxLegs)
        {
            await TakeLegsAsync(mirror, [.. spec.Legs, by], _options, cancellationToken);
            return false;
        }
        CheckCanGo(mirror, leg);
        await TakeLegsAsync(
            mirror, [.. spec.Legs.Select((old, i) => i == leg ? by : old)], _options, cancellationToken, leg);
        return true;
    }

    private Task EndReplacingAsync(int leg, DeviceArgument by, CancellationToken cancellationToken)
    {
        (MirrorTarget mirror, MirrorSpec spec) = OnlyMirror();
        CheckIndex(leg, spec);
        CheckCanGo(mirror, leg);
        return TakeLegsAsync(
            mirror, [.. spec.Legs.Where(other => other != by).Select((old, i) => i == leg ? by : old)], _options,
            cancellationToken, leg);
    }

    private bool HoldsEverything(DeviceArgument device)
    {
        (MirrorTarget mirror, MirrorSpec spec) = OnlyMirror();
        for (int i = 0; i < spec.Legs.Count; i++)
        {
            if (spec.Legs[i] == device)
                return mirror.Knowledge[i] is { IsInSet: true, Lacks.Count: 0 } && mirror.Knowledge.MayDiffer.Count == 0;
        }
        throw new NotNowException($"{Name}: {device.Device} was taken out of the mirror again before it was in sync");
    }

    private Task TakeLegsAsync(
        MirrorTarget mirror, IReadOnlyList<DeviceArgument> legs, MappedDeviceOptions options,
        CancellationToken cancellationToken, int? gone = null)
    {
        var lines = _table.Lines.Select(line =>
            line == mirror.Line ? line with { Target = (MirrorSpec)line.Target with { Legs = legs } } : line);
        return TakeSuccessorAsync(
            new Table([.. lines]), options, cancellationToken, gone is { } leg ? () => CheckCanGo(mirror, leg) : null);
    }

    private (MirrorTarget Mirror, MirrorSpec Spec) OnlyMirror()
    {
        MirrorTarget[] mirrors = [.. _targets.OfType<MirrorTarget>()];
        if (mirrors.Length != 1)
        {
            throw new MapperException(
                $"{Name}: has {mirrors.Length} mirrors, and this is for a device with one; load a table instead (reload)");
        }
        return (mirrors[0], (MirrorSpec)mirrors[0].Line.Target);
    }

    private void CheckIndex(int leg, MirrorSpec spec)
    {
        if (leg < 0 || leg >= spec.Legs.Count)
        {
            throw new MapperException(
                $"{Name}: there is no leg {leg}; legs are counted from 0, and the last is {spec.Legs.Count - 1}");
        }
    }

    private void CheckCanGo(MirrorTarget mirror, int leg)
    {
        LegSet legs = mirror.Knowledge;
        if (legs.HeldOnlyBy(legs[leg]) is var region and >= 0)
        {
            throw new NotNowException(
                $"{Name}: leg {leg} ({legs[leg].Place.Argument}) alone holds what is in region {region}, and perhaps others; "
                + "wait until another leg is in sync");
        }
    }

    private async Task WhenAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        while (!condition())
        {
            if (_stopped)
                throw new MapperException($"{Name} is stopped");
            _nextEvent ??= new TaskCompletionSource();
            await _nextEvent.Task.WaitAsync(cancellationToken);
        }
    }

    private void TellWaiting()
    {
        TaskCompletionSource? waiting = _nextEvent;
        _nextEvent = null;
        waiting?.SetResult();
    }
}
