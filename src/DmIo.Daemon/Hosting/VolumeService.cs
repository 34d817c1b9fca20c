using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Serilog.Core;

namespace DmIo.Daemon.Hosting;

/// <summary>Starts the volumes with the host and stops them with it, and says so to people and to systemd.</summary>
internal sealed class VolumeService(
    CheckedConfiguration configuration, SystemdNotifier systemd, ILoggerFactory loggers, IHostApplicationLifetime lifetime,
    ReloadSource reload, ReloadRequests reloads, LoggingLevelSwitch level, IErrand? errand = null) : IHostedService
{
    private readonly ILogger _log = loggers.CreateLogger("DmIo.Daemon");
    private readonly TimeSpan? _watchdogPeriod = SystemdNotifier.WatchdogPeriod(
        Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID"));

    private RunningVolumes? _volumes;
    private Func<ValueTask> _endWatchdog = () => ValueTask.CompletedTask;
    private Func<ValueTask> _endWatch = () => ValueTask.CompletedTask;
    private Task<int> _errand = Task.FromResult(ExitCode.Success);
    private Func<ValueTask> _endReloading = () => ValueTask.CompletedTask;
    private Task<ControlHost?> _control = Task.FromResult<ControlHost?>(null);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _volumes = await RunningVolumes.StartAsync(configuration, loggers, _watchdogPeriod is not null, cancellationToken);
        // Who has brought the sockets knows them, and may want to read something else.
        if (errand is null && _volumes.Endpoints.All(e => e.Passed is null))
            await Announcement.WriteAsync(Console.Out, _volumes.Exports, _volumes.Endpoints);
        // The loop does not wait for a service manager.
        _volumes.Events.Added += e => ThreadPool.UnsafeQueueUserWorkItem(
            _ => systemd.Status($"{e.Volume}: {e.Status}"), null);
        if (configuration.Source.LockMemory)
            Log.MemoryLocked(_log, ByteSize.Format(Environment.WorkingSet >> 20 << 20));
        Log.Serving(_log, _volumes.Exports.Count);
        systemd.Ready(_volumes.Summary);
        StartWatchdog(_volumes);
        // Clients are served already; those of the control socket wait for this.
        var reader = new VolumeReader(_volumes);
        var changes = new VolumeChanges(_volumes, reader);
        StartReloading(_volumes, changes);
        _endWatch = new MissingLegWatch(_volumes, changes, _log).DisposeAsync;
        _control = Task.Run(() => StartControlAsync(_volumes, reader, changes), CancellationToken.None);
        // What ends before the start has would have the host forget to stop.
        if (errand is not null)
            lifetime.ApplicationStarted.Register(() => _errand = Task.Run(() => RunErrandAsync(errand, _volumes)));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_volumes is null)
            return;
        systemd.Stopping();
        Log.Stopping(_log);
        if (errand is not null)
            await errand.EndAsync();
        Task<bool> stopping = StopAsync(_volumes);
        try
        {
            await stopping.WaitAsync(DaemonHost.StopBound, TimeProvider.System, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            // A leg that hangs in the kernel cannot be waited for; the state file says that the stop was not clean.
            Log.StopTookTooLong(_log, DaemonHost.StopBound.TotalSeconds);
            errand?.Kill();
            ProcessExit.Now(ExitCode.Failure);
        }
        Environment.ExitCode = await StatusOfErrandAsync();
        if (await stopping)
            Log.Stopped(_log);
        else if (Environment.ExitCode == ExitCode.Success)
            Environment.ExitCode = ExitCode.Failure;
    }

    // What changes the volumes may hang with a leg of theirs, so it counts as a part of the stop.
    private async Task<bool> StopAsync(RunningVolumes volumes)
    {
        long start = TimeProvider.System.GetTimestamp();
        await _endReloading();
        await _endWatch();
        if (await _control is { } control)
            await control.DisposeAsync();
        await _endWatchdog();
        TimeSpan left = DaemonHost.StopBound - Reserve - TimeProvider.System.GetElapsedTime(start);
        return await volumes.StopAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    // It has been asked to end, and nobody serves it any more.
    private async Task<int> StatusOfErrandAsync()
    {
        errand?.Kill();
        try
        {
            return await _errand.WaitAsync(s_afterKill, TimeProvider.System, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            return ExitCode.Failure;
        }
    }

    private void StartWatchdog(RunningVolumes volumes)
    {
        if (_watchdogPeriod is not { } told)
            return;
        // The loop does not wait for a service manager.
        var watchdog = new LoopWatchdog(
            volumes.IoLoops, () => ThreadPool.UnsafeQueueUserWorkItem(_ => systemd.Alive(), null));
        watchdog.Start(told / 2);
        _endWatchdog = watchdog.DisposeAsync;
    }

    private async Task<int> RunErrandAsync(IErrand what, RunningVolumes volumes)
    {
        try
        {
            return await what.RunAsync(volumes);
        }
        catch (StartException e)
        {
            Log.ErrandNotBegun(_log, e.Message);
            return e.ExitCode;
        }
#pragma warning disable CA1031 // Whatever it is, the volumes are stopped in good order.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.ErrandFailed(_log, what.Option, e);
            return ExitCode.Failure;
        }
        finally
        {
            lifetime.StopApplication();
        }
    }

    private void StartReloading(RunningVolumes volumes, VolumeChanges changes)
    {
        var ending = new CancellationTokenSource();
        var reloading = new Reloading(volumes, changes, reload, level, systemd, _log);
        Task running = Task.Run(() => reloading.RunAsync(reloads, ending.Token), CancellationToken.None);
        _endReloading = async () =>
        {
            await ending.CancelAsync();
            await running;
            ending.Dispose();
        };
    }

    private async Task<ControlHost?> StartControlAsync(RunningVolumes volumes, VolumeReader reader, VolumeChanges changes)
    {
        if (volumes.Control is not { } socket)
            return null;
        try
        {
            return await ControlHost.StartAsync(socket, ControlOperations.Of(volumes, reader, changes), loggers);
        }
#pragma warning disable CA1031 // Whatever it is, the volumes are served on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.ControlFailed(_log, e);
            return null;
        }
    }

    // Far more than the kernel takes to end a process.
    private static readonly TimeSpan s_afterKill = TimeSpan.FromSeconds(1);

    // What is left for flushing and closing after the last request has been waited for.
    private static readonly TimeSpan Reserve = TimeSpan.FromSeconds(3);
}
