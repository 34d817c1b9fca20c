using System.Collections.Immutable;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;
using DmIo.Mapper;
using DmIo.Nbd;
using Microsoft.Extensions.Logging;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// Everything that serves: loops, devices, exports, listeners. They come to life from the ground up and end from the
/// top down; a start that fails on the way ends what it had begun and removes what it had made.
/// </summary>
internal sealed partial class RunningVolumes : IAsyncDisposable
{
    // Arbitrary: many times what a kernel took, and not long for whoever starts a second daemon by mistake.
    private static readonly TimeSpan s_predecessorBound = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_predecessorLook = TimeSpan.FromMilliseconds(20);

    private CheckedConfiguration _configuration;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly bool _isWatched;
    private readonly CreatedFiles _created = new();
    private readonly List<KernelLoop> _loops = [];
    private readonly List<DeviceRegistry> _registries = [];
    private readonly List<ListenerConfiguration> _endpoints = [];
    private readonly List<AnnouncedExport> _exports = [];
    private NbdServer? _server;
    private ControlSocket? _control;

    private RunningVolumes(CheckedConfiguration configuration, ILoggerFactory loggers, bool isWatched)
    {
        _isWatched = isWatched;
        _configuration = configuration;
        _loggers = loggers;
        _log = loggers.CreateLogger("DmIo.Daemon");
    }

    /// <summary>Where clients are let in, ports as they were given.</summary>
    public IReadOnlyList<ListenerConfiguration> Endpoints => _endpoints;

    public IReadOnlyList<AnnouncedExport> Exports => _exports;

    /// <summary>The exports that are offered now.</summary>
    public ImmutableArray<RunningExport> ServedExports { get; private set; } = [];

    /// <summary>The mapped devices, each behind those that it stands on.</summary>
    public ImmutableArray<RunningDevice> Devices { get; private set; } = [];

    public NbdServer Server => _server!;

    /// <summary>How clients speak TLS.</summary>
    public TlsConfiguration Tls => _configuration.Source.Tls;

    /// <summary>Where the daemon is controlled; null where it is not.</summary>
    public ControlSocket? Control => _control;

    public int Loops => _loops.Count;

    public IReadOnlyList<IoLoop> IoLoops => _loops;

    /// <summary>How device I/O is done: io_uring or threads.</summary>
    public string Backend => _loops[0].Backend;

    /// <summary>What is done, for whoever asks how the daemon fares.</summary>
    public string Summary
    {
        get
        {
            string exports = ServedExports.Length == 1 ? "1 export" : $"{ServedExports.Length} exports";
            return $"serving {exports}, I/O by {Backend}";
        }
    }

    /// <summary>What happens to the devices.</summary>
    public EventRing Events { get; } = new();

    /// <param name="configuration">What to serve.</param>
    /// <param name="loggers">Where it is logged.</param>
    /// <param name="isWatched">Whether the daemon is ended when a loop does not go round, so that no leg may hold it up.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StartException">Something could not be had; nothing is left behind.</exception>
    public static async Task<RunningVolumes> StartAsync(
        CheckedConfiguration configuration, ILoggerFactory loggers, bool isWatched, CancellationToken cancellation)
    {
        var volumes = new RunningVolumes(configuration, loggers, isWatched);
        try
        {
            await volumes.StartAsync(cancellation);
            return volumes;
        }
        catch (Exception e)
        {
            await volumes.CloseAsync(TimeSpan.Zero);
            volumes._created.Remove();
            if (e is MapperException)
                throw new StartException(ExitCode.Usage, e.Message);
            if (e is IOException or UnauthorizedAccessException)
                throw new StartException(ExitCode.Failure, e.Message);
            throw;
        }
    }

    /// <summary>Waits for the requests under way, flushes and closes; what has not begun stays unanswered.</summary>
    /// <returns>Whether everything could be flushed and recorded.</returns>
    public Task<bool> StopAsync(TimeSpan requestBound) => CloseAsync(requestBound);

    public ValueTask DisposeAsync() => new(CloseAsync(TimeSpan.Zero));

    private async Task StartAsync(CancellationToken cancellation)
    {
        OpenLoops();
        MakeFiles();
        _control = OpenControl();
        await OpenLegsAsync(cancellation);
        foreach (CheckedDevice device in _configuration.Devices)
            await OpenMappedAsync(device, cancellation);
        _server = new NbdServer(_loops[0], _configuration.Source.Limits, _loggers, Tls.ForServer, _configuration.Source.Allow.ForServer);
        foreach (CheckedExport export in _configuration.Exports)
            AddExport(export);
        foreach (RunningExport export in ServedExports)
            _exports.Add(new AnnouncedExport(export.Source.Name, export.Export.Device.Length, export.Source.ReadOnly, Tls.Covers(export.Source)));
        foreach (ListenerConfiguration listener in _configuration.Source.Listeners)
            await ListenAsync(listener);
        TakeAsOfFile(_configuration.Source);
    }

    private void OpenLoops()
    {
        string? reason = null;
        for (int i = 0; i < _configuration.Loops; i++)
            OpenLoop(out reason);
        foreach ((string argument, LegUse use) in _configuration.Legs)
            _registries[use.Loop].Declare(argument, use);
        if (reason is null)
            Log.Backend(_log, _loops[0].Backend, _loops.Count);
        else
            Log.BackendInstead(_log, _loops[0].Backend, _loops.Count, reason);
    }

    private void OpenLoop(out string? reason)
    {
        int i = _loops.Count;
        _loops.Add(KernelLoop.Open($"dmio-loop {i}", _configuration.Source.Backend, out reason));
        _registries.Add(new DeviceRegistry(_loops[i], mayWait: !_isWatched));
        _loops[i].Start();
    }

    private void MakeFiles()
    {
        ServeConfiguration source = _configuration.Source;
        foreach (string directory in source.OwnDirectories)
            _created.MakeDirectory(directory);
        if (_configuration.Devices.Any(d => d.Table.Lines.Any(l => l.Target is MirrorSpec)))
            _created.MakeDirectory(source.StateDirectory);
        // The state of a mirror whose legs are removed again must go with them.
        if (source.NewLegs.Count > 0)
            _created.Watch(source.StateDirectory);
        foreach (NewLeg leg in source.NewLegs)
        {
            _created.MakeLeg(leg.Path, leg.SizeBytes);
            Log.LegMade(_log, leg.Path, ByteSize.Format(leg.SizeBytes));
        }
    }

    private ControlSocket? OpenControl()
    {
        ControlConfiguration control = _configuration.Source.Control;
        if (control.Path is not { } path)
            return null;
        try
        {
            if (control.IsDefault)
                _created.MakeDirectory(Path.GetDirectoryName(path)!);
            var socket = ControlSocket.Open(path);
            Log.Controlled(_log, path);
            return socket;
        }
        catch (StartException e) when (control.IsDefault)
        {
            // Volumes matter more than what nobody asked for.
            Log.NotControlled(_log, e.Message);
            return null;
        }
    }

    // All of them before anything stands on them, so that all that cannot be had are told together.
    private async Task OpenLegsAsync(CancellationToken cancellation)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            List<DeviceOpenException> problems = TryOpenLegs();
            if (problems.Count == 0)
                return;
            // A daemon that was killed a moment ago holds its legs until the kernel has finished its last requests.
            bool mayEnd = problems.TrueForAll(p => p.Errno == Errno.EBUSY);
            if (!mayEnd || TimeProvider.System.GetElapsedTime(start) > s_predecessorBound)
            {
                throw new StartException(
                    ExitCode.Failure, string.Join(Environment.NewLine, problems.Select(p => p.Message)));
            }
            await Task.Delay(s_predecessorLook, TimeProvider.System, cancellation);
        }
    }

    private List<DeviceOpenException> TryOpenLegs()
    {
        var problems = new List<DeviceOpenException>();
        foreach ((string argument, LegUse use) in _configuration.Legs.DistinctBy(l => l.Value.Path))
        {
            try
            {
                _registries[use.Loop].Find(argument);
            }
            catch (DeviceOpenException e)
            {
                problems.Add(e);
            }
        }
        return problems;
    }

    private async Task OpenMappedAsync(CheckedDevice device, CancellationToken cancellation)
    {
        KernelLoop loop = _loops[device.Loop];
        MappedDeviceOptions options = OptionsOf(device.Source) with { LegsAreFresh = device.LegsAreFresh };
        string name = device.Source.Name;
        MappedDevice mapped = await MappedDevice.CreateAsync(
            loop, name, device.Table, _registries[device.Loop], options, cancellation);
        Devices = Devices.Add(new RunningDevice(mapped, device.Source, device.Loop, mapped.TableLine()));
        _registries[device.Loop].Add(name, mapped);
        foreach (string line in mapped.TableLine().Split('\n'))
            Log.Table(_log, name, line);
    }

    /// <summary>What a device needs to know beside its table.</summary>
    public MappedDeviceOptions OptionsOf(DeviceConfiguration device) => new()
    {
        StateDirectory = _configuration.Source.StateDirectory,
        SyncFrom = device.SyncFrom,
        Force = device.Force,
        AssumeClean = device.AssumeClean,
        Mirror = device.Mirror ?? new MirrorOptions(),
        LoggerFactory = _loggers,
        Events = Events,
    };

    private void AddExport(CheckedExport export)
    {
        OrderedDevice device = _registries[export.Loop].FindOrdered(export.Source.Device);
        string? description = ExportText.Of(export.Source.Description, VolumeIdOf(device));
        var served = new NbdExport(export.Source.Name, device, export.Source.ReadOnly, description)
        {
            IsHidden = export.Source.IsHidden,
            RequiresTls = Tls.Covers(export.Source),
        };
        _server!.AddExport(served);
        ServedExports = ServedExports.Add(new RunningExport(served, export.Source));
        ChooseDefault();
    }

    private void ChooseDefault() =>
        _server!.ChooseDefault(ServedExports.FirstOrDefault(e => e.Source.IsDefault)?.Export);

    private static Guid? VolumeIdOf(OrderedDevice device) => (device as MappedDevice)?.VolumeId;

    private async Task ListenAsync(ListenerConfiguration listener)
    {
        if (listener.Passed is { } passed)
        {
            await _server!.ListenAsync(passed);
            _endpoints.Add(listener);
        }
        else if (listener.UnixPath is { } path)
        {
            await _server!.ListenUnixAsync(path, listener.Access);
            _endpoints.Add(listener);
        }
        else
        {
            NbdListener bound = await _server!.ListenTcpAsync(listener.Endpoint!);
            _endpoints.Add(listener with { Endpoint = (System.Net.IPEndPoint)bound.Address });
        }
    }

    private async Task<bool> CloseAsync(TimeSpan requestBound)
    {
        bool isClean = true;
        _control?.Dispose();
        foreach (RunningDevice device in Devices.Where(d => d.Device.IsSuspended))
            await LetGoAsync(device.Device);
        if (_server is not null)
        {
            await _server.StopAsync(requestBound);
            await _server.DisposeAsync();
        }
        SortDevices();
        for (int i = Devices.Length - 1; i >= 0; i--)
            isClean &= await CloseMappedAsync(Devices[i].Device);
        Devices = [];
        for (int i = 0; i < _registries.Count; i++)
        {
            DeviceRegistry registry = _registries[i];
            await _loops[i].InvokeAsync(registry.DisposeAsync);
        }
        foreach (KernelLoop loop in _loops)
            loop.Dispose();
        _loops.Clear();
        _registries.Clear();
        return isClean;
    }

    // Requests that are held back are under way too.
    private async Task LetGoAsync(MappedDevice device)
    {
        try
        {
            await device.ClearInactiveAsync();
            await device.ResumeAsync();
        }
        catch (MapperException e)
        {
            Log.CloseFailed(_log, device.Name, e.Message);
        }
    }

    private async Task<bool> CloseMappedAsync(MappedDevice mapped)
    {
        bool isClean = true;
        try
        {
            await mapped.StopAsync();
        }
        catch (IOException e)
        {
            // The others still want to be closed.
            Log.CloseFailed(_log, mapped.Name, e.Message);
            isClean = false;
        }
        await mapped.Loop.InvokeAsync(mapped.DisposeAsync);
        return isClean;
    }
}
