using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;
using DmIo.Mapper;
using Microsoft.Extensions.Logging;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// Looks for legs that were missing or unplugged, and has those taken up that are there again: they, and nothing else that
/// has come to stand under their names.
/// </summary>
internal sealed class MissingLegWatch : IAsyncDisposable
{
    // Arbitrary: soon for whoever has just plugged a disk in, and rare enough to cost nothing.
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(2);

    private readonly RunningVolumes _volumes;
    private readonly VolumeChanges _changes;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly Dictionary<string, string> _refused = [];
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
        string[] back = [.. _volumes.OutdatedOf(device).Intersect(device.Device.AbsentLegs())];
        if (back.Length == 0)
        {
            _refused.Remove(device.Name);
            return;
        }
        // What was refused is looked at again when there is something else.
        string seen = string.Join(' ', back.Select(path => $"{path} {LegFile.Probe(path).Identity}"));
        if (_refused.GetValueOrDefault(device.Name) == seen)
            return;
        string legs = string.Join(", ", back);
        try
        {
            await _changes.TakeUpAsync(device.Name, back, knownLegsOnly: true, _ending.Token);
            Log.LegIsBack(_log, device.Name, legs);
            _told.Remove(device.Name);
        }
        catch (Exception e) when (e is MapperException or ControlException or IOException)
        {
            if (e is UnknownLegException)
                _refused[device.Name] = seen;
            // Once, not every time.
            if (_told.GetValueOrDefault(device.Name) != e.Message)
                Log.LegStaysAway(_log, device.Name, legs, e.Message);
            _told[device.Name] = e.Message;
        }
    }
}
