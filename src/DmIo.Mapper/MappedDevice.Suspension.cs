namespace DmIo.Mapper;

// Another table for a device that serves: requests are held back while it is taken (dm-semantics: suspend, reload, resume).
public sealed partial class MappedDevice
{
    private (Table Table, MappedDeviceOptions Options)? _inactive;
    private (Table Table, MappedDeviceOptions Options)? _lost;
    private ITimer? _retry;

    // What was let go of while something beneath still hung.
    private readonly List<Target> _departed = [];
    private Task _changing = Task.CompletedTask;

    /// <summary>Whether requests are held back until <see cref="ResumeAsync"/>.</summary>
    public bool IsSuspended { get; private set; }

    /// <summary>The table that the next <see cref="ResumeAsync"/> takes; null when none waits.</summary>
    public Table? InactiveTable => _inactive?.Table;

    /// <summary>Whether a table waits for the next <see cref="ResumeAsync"/>.</summary>
    public bool HasInactiveTable => _inactive is not null;

    /// <summary>
    /// Takes a table that the next <see cref="ResumeAsync"/> makes the live one, in place of another that waits. From any
    /// thread.
    /// </summary>
    /// <param name="table">What the device is to be made of.</param>
    /// <param name="options">What else there is to know; null is as before, without what was for one start.</param>
    /// <param name="knownLegsOnly">
    /// Legs of which the mirrors have no record are refused, not copied to: for a table that nobody has asked for.
    /// </param>
    /// <exception cref="MapperException">It cannot be taken; all problems, with their remedies.</exception>
    public Task LoadAsync(Table table, MappedDeviceOptions? options = null, bool knownLegsOnly = false)
    {
        ArgumentNullException.ThrowIfNull(table);
        return ChangeAsync(() =>
        {
            Binding binding = CheckSuccessor(table);
            if (knownLegsOnly)
                CheckKnown(binding);
            _inactive = (table, options ?? _options);
            Raise(null, VolumeEventKind.TableLoaded, default);
            return Task.CompletedTask;
        });
    }

    /// <summary>Forgets the table that waits, if there is one. From any thread.</summary>
    public Task ClearInactiveAsync() => ChangeAsync(() =>
    {
        _inactive = null;
        return Task.CompletedTask;
    });

    /// <summary>
    /// Holds new requests back and waits for those under way. Does nothing while that is so already. From any thread.
    /// </summary>
    /// <param name="flush">Whether what was acknowledged is made durable too.</param>
    /// <param name="cancellationToken">Gives up waiting: the device goes on serving.</param>
    /// <exception cref="MapperException">It could not be flushed, and goes on serving.</exception>
    public Task SuspendAsync(bool flush = true, CancellationToken cancellationToken = default) => ChangeAsync(async () =>
    {
        if (IsSuspended)
            return;
        await HoldBackAllAsync(flush, cancellationToken);
        Raise(null, VolumeEventKind.Suspended, default);
    });

    /// <summary>
    /// Takes the table that waits, if there is one (a device that is not suspended is held back meanwhile), and serves
    /// what was held back. From any thread.
    /// </summary>
    /// <exception cref="MapperException">
    /// The table could not be taken: it is forgotten, and the one before serves again. If that cannot be taken again
    /// either, the device stays suspended, and it is tried again from time to time, and by the next call.
    /// </exception>
    public Task ResumeAsync(CancellationToken cancellationToken = default) => ChangeAsync(async () =>
    {
        if (!IsSuspended && _inactive is null)
            return;
        if (!IsSuspended)
            await HoldBackAllAsync(flush: true, cancellationToken);
        if ((_inactive ?? _lost) is { } next)
            await SwapAndServeAsync(next.Table, next.Options, cancellationToken);
        else
            ServeAgain();
    });

    private async Task HoldBackAllAsync(bool flush, CancellationToken cancellationToken)
    {
        try
        {
            foreach (Target target in _targets)
                await target.PresuspendAsync();
            Task drained = HoldBackAsync();
            await (cancellationToken.CanBeCanceled ? drained.WaitAsync(cancellationToken) : drained);
            IsSuspended = true;
            if (flush && !IsReadOnly)
                await FlushTargetsAsync();
        }
        catch
        {
            ServeAgain();
            throw;
        }
    }

    private async Task FlushTargetsAsync()
    {
        foreach (Target target in _targets)
        {
            var flush = new AwaitedRequest { Operation = BlockOperation.Flush };
            target.Map(flush);
            if (await flush.Task is not Errno.None and var errno)
            {
                throw new NotNowException(
                    $"{Name}: could not be flushed ({errno}), so it was not suspended; mend what failed, or suspend it "
                    + "without the flush (--noflush)");
            }
        }
    }

    private void ServeAgain()
    {
        IsSuspended = false;
        foreach (Target target in _targets)
            target.Resume();
        StartAgain();
        Raise(null, VolumeEventKind.Resumed, default);
    }

    // Another table at once, while the device serves. A leg may fail until nothing is under way any more: what must hold is
    // checked again then.
    private async Task TakeSuccessorAsync(
        Table table, MappedDeviceOptions options, CancellationToken cancellationToken, Action? check = null)
    {
        if (IsSuspended || HasInactiveTable)
            throw new NotNowException($"{Name}: is suspended, or a loaded table waits; resume it first (resume)");
        CheckSuccessor(table);
        await HoldBackAllAsync(flush: false, cancellationToken);
        try
        {
            check?.Invoke();
        }
        catch
        {
            ServeAgain();
            throw;
        }
        await SwapAndServeAsync(table, options, cancellationToken);
    }

    private async Task SwapAndServeAsync(Table table, MappedDeviceOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await SwapAsync(table, options, cancellationToken);
        }
        finally
        {
            _inactive = null;
            if (_lost is null)
                ServeAgain();
            else
                RetryLater();
        }
    }

    private async Task SwapAsync(Table table, MappedDeviceOptions options, CancellationToken cancellationToken)
    {
        CheckSuccessor(table);
        (Table oldTable, MappedDeviceOptions oldOptions) = _lost ?? (_table, _options);
        await LetGoAsync(_targets.Length);
        try
        {
            await TakeAsync(table, options, cancellationToken);
        }
        catch (Exception e) when (e is MapperException or IOException or OperationCanceledException)
        {
            await TakeBackAsync(oldTable, oldOptions, e);
            throw e is MapperException ? e : new MapperException($"{Name}: {e.Message}");
        }
        _lost = null;
        foreach (Target target in _targets)
            MapperLog.Status(Logger, Name, StatusOf(target));
    }

    private async Task TakeBackAsync(Table table, MappedDeviceOptions options, Exception reason)
    {
        try
        {
            await TakeAsync(table, options, CancellationToken.None);
            _lost = null;
        }
        catch (Exception e) when (e is MapperException or IOException)
        {
            _lost = (table, options);
            // Requests wait; this is what the status shows meanwhile.
            var line = new TableLine(Sectors.Zero, table.Length, new ErrorSpec());
            Bind(new Table([line]), new Binding([(line, [])], [], Sectors.SizeBytes, 1, false), options);
            throw new MapperException(
            [
                reason.Message,
                $"{Name}: the table before cannot be taken again either ({e.Message}); it stays suspended until it can, "
                + "which is tried again by itself and by resume, or until another table is loaded and resumed",
            ]);
        }
    }

    private void RetryLater() => _retry ??= Loop.Time.CreateTimer(
        _ => _ = Spawn("taking a table again", RetryAsync), null, _options.Mirror.LogRetryAfter, Timeout.InfiniteTimeSpan);

    private async ValueTask RetryAsync()
    {
        _retry?.Dispose();
        _retry = null;
        if (_lost is null || _stopped)
            return;
        try
        {
            await ResumeAsync();
        }
        catch (MapperException e)
        {
            MapperLog.Finding(Logger, Name, e.Message);
        }
    }

    private Binding CheckSuccessor(Table table)
    {
        if (table.Length < Length)
        {
            throw new MapperException(
                $"{Name}: the new table has {table.Length} sectors, the device {Length}: what lies behind would be lost to "
                + "its clients; make the table as long, or create another device");
        }
        Binding binding = Check(table);
        CheckHung(binding, _targets);
        if (binding.LogicalBlockBytes > LogicalBlockBytes)
        {
            throw new MapperException(
                $"{Name}: the new table needs blocks of {binding.LogicalBlockBytes} bytes, and clients were told "
                + $"{LogicalBlockBytes}; take devices with smaller blocks, or create another device");
        }
        return binding;
    }

    private void CheckKnown(Binding binding)
    {
        foreach ((TableLine line, TargetLeg[] legs) in binding.Places.Where(place => place.Line.Target is MirrorSpec))
        {
            MirrorTarget? mirror = _targets.OfType<MirrorTarget>().FirstOrDefault(target => target.Begin == line.Start);
            foreach (TargetLeg leg in legs)
            {
                if (leg.Device is not MissingDevice && mirror?.Records(leg) != true)
                {
                    throw new UnknownLegException(
                        $"{Name}: {leg.Argument} is not the leg that the mirror knew under this name, and nobody has said that "
                        + "it may be overwritten; put it in the leg's place (leg replace) to have all of it copied, or bring "
                        + "the leg back");
                }
            }
        }
    }

    private void CheckHung(Binding binding, IEnumerable<Target> targets)
    {
        foreach (TargetLeg hung in targets.SelectMany(target => target.HungLegs))
        {
            if (binding.Devices.Contains(hung.Device))
            {
                throw new NotNowException(
                    $"{Name}: {hung.Argument} was asked something that hangs and may still land; wait until it answers, or "
                    + "leave it out of the table");
            }
        }
    }

    // One change at a time; StopAsync waits for it.
    private Task ChangeAsync(Func<Task> change) => Loop.InvokeAsync(async () =>
    {
        if (_stopped)
            throw new MapperException($"{Name} is stopped; start it again");
        if (!_changing.IsCompleted)
        {
            throw new NotNowException(
                $"{Name}: somebody else is suspending it or giving it another table; wait for that and try again");
        }
        Task changing = change();
        _changing = changing;
        await changing;
    });

    private async Task ChangeEndedAsync()
    {
        try
        {
            await _changing;
        }
        catch (Exception e) when (e is MapperException or OperationCanceledException)
        {
            // Whoever asked for it is told.
        }
    }
}
