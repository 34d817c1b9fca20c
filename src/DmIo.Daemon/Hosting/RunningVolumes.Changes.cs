using System.Collections.Concurrent;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;
using DmIo.Mapper;

namespace DmIo.Daemon.Hosting;

// What changes while clients are served: devices and exports come and go, files are opened for them and closed. One change
// at a time; VolumeChanges sees to that.
internal sealed partial class RunningVolumes
{
    // What clients' requests under way may take when their export is removed; and files, to be closed.
    private static readonly TimeSpan s_removalBound = TimeSpan.FromSeconds(5);

    // What changes under way need although no table names it yet.
    private readonly List<string> _claims = [];

    /// <summary>Tables that wait for a resume, as they were written, by their devices' names.</summary>
    public ConcurrentDictionary<string, IReadOnlyList<string>> LoadedText { get; } = [];

    /// <summary>What is served now, as a configuration.</summary>
    public ServeConfiguration Current => _configuration.Source with
    {
        Listeners = [],
        NewLegs = [],
        HowToCreate = LegFile.ByTruncate,
        WithoutLeg = "",
        Devices = [.. Devices.Select(d => d.With(d.Device.Table))],
        Exports = [.. ServedExports.Select(e => e.Source)],
    };

    /// <summary>What is served when a device has another table.</summary>
    public ServeConfiguration CurrentWith(RunningDevice device, Table table)
    {
        ServeConfiguration current = Current;
        return current with
        {
            Devices = [.. current.Devices.Select(d => d.Name == device.Name ? device.With(table) : d)],
        };
    }

    /// <summary>Lets a device do without legs that cannot be had.</summary>
    public void LetBeDegraded(RunningDevice device) =>
        Devices = Devices.Replace(device, device with { Source = device.Source with { Degraded = true } });

    /// <summary>
    /// Checks a change, brings its devices onto one loop, and opens those of them that are not open yet.
    /// </summary>
    /// <param name="after">What is to be served.</param>
    /// <param name="name">What is changed, for people.</param>
    /// <param name="arguments">What it stands on.</param>
    /// <param name="home">Where it lives already; null for something new.</param>
    /// <returns>Where all of it lives now, the device that is changed as well.</returns>
    public async Task<int> PrepareAsync(
        ServeConfiguration after, string name, IReadOnlyList<string> arguments, int? home)
    {
        var mistakes = new Mistakes();
        if (ConfigurationCheck.RunChange(Current, after, mistakes) is not { } @checked)
            throw ControlException.Mistake(mistakes.ToString());
        string[] paths = [.. arguments.Where(a => MappedName.Of(a) is null)];
        int loop = await BringTogetherAsync(name, arguments, home, @checked) ?? OpenOrShareLoop();
        // Beneath devices that are open already, too.
        foreach (LegUse use in @checked.Legs.Values)
        {
            if (_registries.Select(r => r.Conflict(use)).FirstOrDefault(c => c is not null) is { } conflict)
                throw ControlException.Conflict($"{name}: {conflict}");
        }
        await _loops[loop].InvokeAsync(() =>
        {
            foreach (string path in paths)
            {
                // Others may come to live on the loop, so that no one may keep it waiting.
                _registries[loop].Declare(path, @checked.Legs[path] with { Loop = loop, IsOnlyLeg = false });
                _registries[loop].Find(path);
            }
            return ValueTask.CompletedTask;
        });
        return loop;
    }

    /// <summary>
    /// Files and disks of a device that are not what is open under their names: what was missing is there, or a disk was
    /// unplugged and there is one again. Not those that other devices use too.
    /// </summary>
    public IReadOnlyList<string> OutdatedOf(RunningDevice device) =>
    [
        .. device.Arguments.Where(a => MappedName.Of(a) is null && _registries[device.Loop].IsOutdated(a)
            && Devices.All(other => other == device || !other.Arguments.Contains(a))),
    ];

    /// <summary>Lets the names of files and disks be looked up again; what was found before stays open.</summary>
    public void Supersede(RunningDevice device, IReadOnlyList<string> arguments)
    {
        foreach (string argument in arguments)
            _registries[device.Loop].Supersede(argument);
    }

    /// <summary>Ends that: what the device still uses stays what its name stands for.</summary>
    public void EndSupersession(RunningDevice device, IReadOnlyList<string> arguments)
    {
        foreach (string argument in arguments)
            _registries[device.Loop].EndSupersession(argument, device.Device);
    }

    /// <summary>Keeps devices open although no table names them yet.</summary>
    public void Claim(IEnumerable<string> arguments) => _claims.AddRange(arguments);

    public void Unclaim(IEnumerable<string> arguments)
    {
        foreach (string argument in arguments)
            _claims.Remove(argument);
    }

    public Task AddDeviceAsync(DeviceConfiguration device, Table table, int loop, CancellationToken cancellation) =>
        OpenMappedAsync(new CheckedDevice(device, table, loop, LegsAreFresh: false), cancellation);

    /// <summary>Flushes and closes a device that nobody uses.</summary>
    /// <returns>Whether everything could be flushed and recorded; the log says what could not.</returns>
    public async Task<bool> RemoveDeviceAsync(RunningDevice device)
    {
        Devices = Devices.Remove(device);
        _devicesOfFile.Remove(device.Name);
        _registries[device.Loop].Remove(device.Name);
        bool isClean = await CloseMappedAsync(device.Device);
        await CloseUnusedAsync();
        return isClean;
    }

    public void AddExport(ExportConfiguration export, int loop) => AddExport(new CheckedExport(export, loop));

    /// <summary>Ends an export and its connections.</summary>
    public async Task RemoveExportAsync(RunningExport export)
    {
        ServedExports = ServedExports.Remove(export);
        _exportsOfFile.Remove(export.Source.Name);
        await _server!.RemoveExportAsync(export.Export, s_removalBound);
    }

    /// <summary>Closes the files that nothing needs any more, and puts devices behind those that they stand on now.</summary>
    public async Task CloseUnusedAsync()
    {
        SortDevices();
        HashSet<string> used =
        [
            .. Devices.SelectMany(d => d.Arguments), .. ServedExports.Select(e => e.Source.Device), .. _claims,
        ];
        for (int i = 0; i < _registries.Count; i++)
        {
            DeviceRegistry registry = _registries[i];
            try
            {
                await _loops[i].InvokeAsync(() => registry.CloseUnusedAsync(used))
                    .WaitAsync(s_removalBound, TimeProvider.System);
            }
            catch (TimeoutException)
            {
                Log.CloseTakesLong(_log, s_removalBound.TotalSeconds);
            }
        }
    }

    // A core of its own as long as there is one.
    private int OpenOrShareLoop()
    {
        int free = _registries.FindIndex(r => r.IsEmpty);
        if (free >= 0)
            return free;
        if (_loops.Count < Environment.ProcessorCount)
        {
            OpenLoop(out _);
            return _loops.Count - 1;
        }
        return Enumerable.Range(0, _loops.Count).MinBy(i => Devices.Count(d => d.Loop == i));
    }
}
