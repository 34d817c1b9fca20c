using DmIo.Daemon.Control;
using DmIo.Mapper;
using Microsoft.Extensions.Logging;

namespace DmIo.Daemon.Hosting;

/// <summary>Looks for legs that were missing, and has those taken up that are there again.</summary>
internal sealed class MissingLegWatch : IAsyncDisposable
{
    // Arbitrary: soon for whoever has just plugged a disk in, and rare enough to cost nothing.
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(2);

    private readonly RunningVolumes _volumes;
    private readonly VolumeChanges _changes;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly Dictionary<string, string> _told = [];
    private readonly Task _watching;

    public MissingLegWatch(RunningVolumes volumes, VolumeChanges changes, ILogger log)
    {
        _volumes = volumes;
        _changes = changes;
        _log = log;
        _watching = WatchAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _watching;
        _ending.Dispose();
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(s_interval, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(_ending.Token))
            {
                foreach (RunningDevice device in _volumes.Devices)
                    await LookAsync(device);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    private async Task LookAsync(RunningDevice device)
    {
        if (device.Device.IsSuspended || device.Device.HasInactiveTable)
            return;
        string[] back = [.. device.Device.MissingDevices().Where(File.Exists)];
        if (back.Length == 0)
            return;
        try
        {
            await _changes.TakeMissingAsync(device.Name, _ending.Token);
            Log.LegIsBack(_log, device.Name, string.Join(", ", back));
            _told.Remove(device.Name);
        }
        catch (Exception e) when (e is MapperException or ControlException or IOException)
        {
            // Once, not every time.
            if (_told.GetValueOrDefault(device.Name) != e.Message)
                Log.LegStaysAway(_log, device.Name, string.Join(", ", back), e.Message);
            _told[device.Name] = e.Message;
        }
    }
}
