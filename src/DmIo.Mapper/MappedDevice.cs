using Microsoft.Extensions.Logging;

namespace DmIo.Mapper;

/// <summary>
/// A block device made of other block devices by a table, as device-mapper makes them. Overlapping changes take turns
/// here, whatever the targets are. Owns its targets and their state files, not the devices beneath.
/// </summary>
public sealed partial class MappedDevice : OrderedDevice, IRegionStates
{
    private readonly IDeviceSource _devices;
    private readonly EventRing? _events;
    private MappedDeviceOptions _options;
    private Table _table;
    private Target[] _targets = [];
    private long _eventNumber;
    private bool _stopped;
    private bool _isUnwritten;
    private readonly List<CarriedLeg> _carried = [];

    private MappedDevice(IoLoop loop, string name, Table table, IDeviceSource devices, MappedDeviceOptions options)
        : base(loop)
    {
        Name = name;
        Logger = options.LoggerFactory.CreateLogger("DmIo.Mapper");
        _events = options.Events;
        _table = table;
        _devices = devices;
        _options = options;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override Sectors Length => _table.Length;

    /// <inheritdoc/>
    public override int LogicalBlockBytes => _logicalBlockBytes;

    /// <inheritdoc/>
    public override int MemoryAlignmentBytes => _memoryAlignmentBytes;

    /// <inheritdoc/>
    public override bool IsReadOnly => _isReadOnly;

    /// <inheritdoc/>
    public override Sectors DiscardLimit => _discardLimit;

    /// <inheritdoc/>
    public override Sectors WriteZeroesLimit => _writeZeroesLimit;

    /// <inheritdoc/>
    public override bool CanZeroFast => _targets.Length > 0 && _targets.All(target => target.CanZeroFast);

    /// <inheritdoc/>
    public override Errno TakeOldError()
    {
        Errno first = Errno.None;
        foreach (BlockDevice device in _targets.SelectMany(target => target.Legs).Select(leg => leg.Device).Distinct())
        {
            if (device.TakeOldError() is var error && first == Errno.None)
                first = error;
        }
        return first;
    }

    /// <summary>
    /// What it is made of; another after a resume that takes one. While none can be taken, the one that is tried again. From
    /// any thread.
    /// </summary>
    public Table Table => _lost is { } lost ? lost.Table : _table;

    /// <summary>
    /// What tells it from others wherever it is served: what the record of its first mirror calls it; null without one.
    /// </summary>
    public Guid? VolumeId => _targets.OfType<MirrorTarget>().FirstOrDefault()?.VolumeId;

    /// <summary>How often the health of something in the device has changed, as device-mapper's event number.</summary>
    public long EventNumber => Volatile.Read(ref _eventNumber);

    internal ILogger Logger { get; }

    internal IReadOnlyList<Target> Targets => _targets;

    /// <summary>
    /// Makes a mapped device and gets it ready to serve. From any thread.
    /// </summary>
    /// <param name="loop">The home of the device and of every device beneath.</param>
    /// <param name="name">Its name, as in <c>dm:NAME</c>; state files are named after it.</param>
    /// <param name="table">What it is made of.</param>
    /// <param name="devices">Where the table's devices come from; asked on the loop.</param>
    /// <param name="options">What else there is to know.</param>
    /// <param name="cancellationToken">Gives up before the device is ready.</param>
    /// <exception cref="MapperException">
    /// It cannot be made; all problems that were found, with their remedies.
    /// </exception>
    public static Task<MappedDevice> CreateAsync(
        IoLoop loop, string name, Table table, IDeviceSource devices, MappedDeviceOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentNullException.ThrowIfNull(options);
        if (!IsValidName(name))
        {
            throw new MapperException(
                $"'{name}' cannot be the name of a mapped device; take letters, digits and any of . _ - +, at most "
                + $"{MaxNameLength}");
        }
        return BeginAsync(new MappedDevice(loop, name, table, devices, options), options, cancellationToken);
    }

    /// <summary>
    /// The device's status as <c>dmsetup status</c> prints it, a line per table line. From any thread; while requests
    /// are under way it shows an instant that may have passed.
    /// </summary>
    public string StatusLine() => string.Join('\n', _targets.Select(StatusOf));

    /// <summary>
    /// The device's table as <c>dmsetup table</c> prints it, a line per table line: disks by number, everything else by
    /// the word in the table. From any thread.
    /// </summary>
    public string TableLine() => string.Join('\n', _targets.Select(target => LineOf(target, target.TableWords)));

    /// <summary>
    /// Stops for good: new requests get ESHUTDOWN, those under way are finished, everything is flushed, and the clean
    /// stop is recorded. From any thread.
    /// </summary>
    /// <exception cref="IOException">
    /// Not everything could be made durable or recorded; the message says what.
    /// </exception>
    public Task StopAsync() => Loop.InvokeAsync(async () =>
    {
        if (_stopped)
            return;
        await EndRequestsAsync();
        await StopTargetsAsync(_targets.Length);
    });

    /// <summary>
    /// Lets go of the targets and their state files, as they are: what was not stopped before counts as not stopped
    /// cleanly. Waits for what is under way; the devices beneath stay open. From any thread.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        if (SynchronizationContext.Current != Loop.SynchronizationContext)
        {
            await Loop.InvokeAsync(DisposeAsync);
            return;
        }
        _stopped = true;
        StartAgain();
        await ChangeEndedAsync();
        foreach (Target target in _targets)
            await target.DisposeAsync();
        _targets = [];
        await base.DisposeAsync();
    }

    internal string StatusOf(Target target) => LineOf(target, target.StatusWords);

    /// <summary>Tells of a change of health, which counts as one of device-mapper's events.</summary>
    internal void HealthChangedOf(
        Target target, VolumeEventKind kind = VolumeEventKind.StatusChanged, EventDetails details = default)
    {
        Volatile.Write(ref _eventNumber, _eventNumber + 1);
        MapperLog.Status(Logger, Name, StatusOf(target));
        Raise(target, kind, details);
    }

    /// <summary>Tells of something that device-mapper has no event for.</summary>
    internal void Raise(Target? target, VolumeEventKind kind, EventDetails details)
    {
        string status = target is null ? StatusLine() : StatusOf(target);
        _events?.Add(sequence => new VolumeEvent(
            sequence, _eventNumber, Loop.Time.GetUtcNow(), Name, kind, details, status));
        TellWaiting();
    }

    /// <summary>Runs cold, asynchronous code on the loop; an exception is a bug and is logged as one.</summary>
    internal Task Spawn(string activity, Func<ValueTask> action) => Loop.InvokeAsync(async () =>
    {
        try
        {
            await action();
        }
#pragma warning disable CA1031 // Nobody awaits this: what it throws is told here or nowhere.
        catch (Exception e)
#pragma warning restore CA1031
        {
            MapperLog.Bug(Logger, e, Name, activity);
        }
    });

    private static Task<MappedDevice> BeginAsync(
        MappedDevice device, MappedDeviceOptions options, CancellationToken cancellationToken) => device.Loop.InvokeAsync(async () =>
    {
        try
        {
            await device.TakeAsync(device.Table, options, cancellationToken);
            return device;
        }
        catch
        {
            await device.DisposeAsync();
            throw;
        }
    });

    private async Task EndRequestsAsync()
    {
        _stopped = true;
        StartAgain();
        await ChangeEndedAsync();
        foreach (Target target in _targets)
            await target.PresuspendAsync();
        // No target knows of a write that waits for its preflush.
        await DrainAsync();
    }

    private async Task TakeAsync(Table table, MappedDeviceOptions options, CancellationToken cancellationToken)
    {
        Binding binding = Check(table);
        _departed.RemoveAll(target => !target.HungLegs.Any());
        CheckHung(binding, _departed);
        Bind(table, binding, options with { IsUnwritten = _isUnwritten, Carried = [.. _carried] });
        // What is said for one start is not said for the next.
        _options = options with
        {
            SyncFrom = null,
            Force = false,
            AssumeClean = false,
            LegsAreFresh = false,
            Grows = false,
            TargetStates = [],
        };
        int started = 0;
        try
        {
            for (; started < _targets.Length; started++)
                await _targets[started].StartAsync(cancellationToken);
        }
        catch
        {
            await LetGoAsync(started);
            _targets = [];
            throw;
        }
        _isUnwritten = false;
        _carried.Clear();
    }

    // What could not be flushed or recorded is told; the next start is one as after a crash then.
    private async Task LetGoAsync(int started)
    {
        try
        {
            await StopTargetsAsync(started);
        }
        catch (IOException e)
        {
            MapperLog.Finding(Logger, Name, e.Message);
        }
        foreach (Target target in _targets.Take(started))
        {
            _isUnwritten |= target.HasUnwritten;
            _carried.AddRange(target.Carried);
        }
        foreach (Target target in _targets)
            await target.DisposeAsync();
        _departed.AddRange(_targets.Where(target => target.HungLegs.Any()));
    }

    private async Task StopTargetsAsync(int started)
    {
        var problems = new List<string>();
        foreach (Target target in _targets.Take(started))
        {
            try
            {
                await target.StopAsync();
            }
            catch (IOException e)
            {
                problems.Add(e.Message);
            }
        }
        if (problems.Count > 0)
            throw new IOException(string.Join(Environment.NewLine, problems));
    }

    private static string LineOf(Target target, string words) =>
        $"{target.Begin} {target.Length} {target.Line.Target.Name} {words}".TrimEnd();
}
