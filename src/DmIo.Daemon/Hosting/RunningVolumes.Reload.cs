using DmIo.Daemon.Configuration;
using DmIo.Nbd;

namespace DmIo.Daemon.Hosting;

// What a configuration file that was read again changes.
internal sealed partial class RunningVolumes
{
    // What the file has named, and is served: what it names no longer goes. What has come over the control socket does not.
    private readonly HashSet<string> _devicesOfFile = [];
    private readonly HashSet<string> _exportsOfFile = [];

    public bool IsOfFile(RunningDevice device) => _devicesOfFile.Contains(device.Name);

    public bool IsOfFile(RunningExport export) => _exportsOfFile.Contains(export.Source.Name);

    /// <summary>
    /// Takes note of what a file names and is served; what it named before and is served still does not become another's.
    /// </summary>
    public void TakeAsOfFile(ServeConfiguration file)
    {
        _devicesOfFile.UnionWith(file.Devices.Select(d => d.Name).Intersect(Devices.Select(d => d.Name)));
        _exportsOfFile.UnionWith(file.Exports.Select(e => e.Name).Intersect(ServedExports.Select(e => e.Source.Name)));
    }

    /// <summary>Changes what an export's clients need not know of.</summary>
    public void ChangeExport(RunningExport now, ExportConfiguration next)
    {
        now.Export.Description = ExportText.Of(next.Description, VolumeIdOf(now.Export.Device));
        now.Export.IsHidden = next.IsHidden;
        ServedExports = ServedExports.Replace(now, now with { Source = next });
    }

    /// <summary>Puts the exports into the order of a file, others behind them, and finds the default among them anew.</summary>
    public void OrderExports(IReadOnlyList<ExportConfiguration> order)
    {
        var places = order.Select((export, place) => (export.Name, place)).ToDictionary(p => p.Name, p => p.place);
        ServedExports =
            [.. ServedExports.OrderBy(e => places.TryGetValue(e.Source.Name, out int place) ? place : int.MaxValue)];
        _server!.OrderExports([.. ServedExports.Select(e => e.Export)]);
        ChooseDefault();
    }

    /// <summary>Lets other limits, allow lists and certificates hold for clients that come from now on.</summary>
    /// <exception cref="IOException">The certificates cannot be used; all else holds.</exception>
    public async Task ChangeAdmissionAsync(ServeConfiguration next)
    {
        NbdLimits limits = next.Limits.WithLoopsOf(_configuration.Source.Limits);
        await _server!.ChangeAdmissionAsync(limits, next.Allow.ForServer);
        _configuration = _configuration with
        {
            Source = _configuration.Source with { Limits = limits, Allow = next.Allow },
        };
        if (next.Tls.ForServer is not { } tls)
            return;
        await _server.ChangeTlsAsync(tls);
        _configuration = _configuration with { Source = _configuration.Source with { Tls = next.Tls } };
    }

    /// <summary>Reads the certificates anew.</summary>
    /// <exception cref="IOException">They cannot be used; those from before go on.</exception>
    public Task ReadCertificatesAsync() => _server!.ChangeTlsAsync(Tls.ForServer!);

    /// <summary>What a file says that cannot become so while serving, each with what to do about it.</summary>
    public IEnumerable<string> StaysAsItIs(ServeConfiguration next)
    {
        const string restart = "stays as it is; restart the daemon to change it";
        ServeConfiguration now = _configuration.Source;
        // A file's listeners are for other starts where the one client is known.
        bool hasListeners = next is { OverStdio: false, Command: null };
        if (hasListeners && !Places(now.Listeners).SetEquals(Places(next.Listeners)))
            yield return $"listeners: where clients are let in {restart}";
        if (now.StateDirectory != next.StateDirectory)
            yield return $"stateDirectory: {now.StateDirectory} {restart}";
        if (now.Control != next.Control)
            yield return $"control: the control socket {restart}";
        if (now.Backend != next.Backend)
            yield return $"ioBackend: how I/O is done {restart}";
        if (now.LockMemory != next.LockMemory)
            yield return $"lockMemory: whether memory is locked {restart}";
        if (!now.Limits.SharesLoopsWith(next.Limits))
            yield return $"limits: what all connections of a loop share (maxBytesInFlightPerLoop, maxRequestsInFlightPerLoop, stallTimeoutSeconds) {restart}";
        foreach (ExportConfiguration export in next.Exports)
        {
            if (MappedName.Of(export.Device) is { } name && next.Devices.All(d => d.Name != name))
                yield return $"{export.Place}: {export.Device} is served, and a restart will not find it: put it into the file as well";
        }
        foreach (DeviceConfiguration device in next.Devices)
        {
            if (Devices.FirstOrDefault(d => d.Name == device.Name) is not { } running)
                continue;
            if (ReloadPlan.IsTableChanged(running, device))
            {
                yield return $"{device.TablePlace}: {device.Name} goes on with the table that it has; load the other one "
                    + $"(dmio-nbd reload {device.Name} --table FILE, then dmio-nbd resume {device.Name}), or restart the daemon";
            }
            else if (running.Device.TableLine() != running.FirstTable)
            {
                yield return $"{device.TablePlace}: {device.Name} goes on with the table that it was given while serving; put it "
                    + $"into the file (dmio-nbd table {device.Name} shows it), or a restart takes that of the file";
            }
            if (running.Source.Direct != device.Direct || !running.Source.DirectPaths.SequenceEqual(device.DirectPaths)
                || running.Source.Mirror != device.Mirror)
            {
                yield return $"{device.Place}: 'direct' or 'mirror' of {device.Name} {restart}";
            }
        }

        static HashSet<ListenerConfiguration> Places(IEnumerable<ListenerConfiguration> listeners) =>
            // Those that were passed are whoever passes them's.
            [.. listeners.Where(l => l.Passed is null).Select(l => l with { Place = "" })];
    }
}
