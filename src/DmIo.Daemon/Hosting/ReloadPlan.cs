using System.Collections.Immutable;
using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// What has to be done for a configuration file that was read again: what it names becomes as it says, what it named once
/// and names no longer goes, and what came over the control socket stays.
/// </summary>
internal sealed record ReloadPlan
{
    public required IReadOnlyList<RunningExport> RemovedExports { get; init; }

    /// <summary>Exports whose clients must be let go, since something changes that they were told or may no longer have.</summary>
    public required IReadOnlyList<(RunningExport Now, ExportConfiguration Next)> ReplacedExports { get; init; }

    /// <summary>Those whose device goes: they go before it, and come back when all devices are there.</summary>
    public required IReadOnlyList<(RunningExport Now, ExportConfiguration Next)> MovedExports { get; init; }

    /// <summary>Exports whose clients need not know.</summary>
    public required IReadOnlyList<(RunningExport Now, ExportConfiguration Next)> ChangedExports { get; init; }

    public required IReadOnlyList<ExportConfiguration> AddedExports { get; init; }

    public required IReadOnlyList<RunningDevice> RemovedDevices { get; init; }

    public required IReadOnlyList<DeviceConfiguration> AddedDevices { get; init; }

    /// <summary>All that is to be served then, to be checked.</summary>
    public required ServeConfiguration Target { get; init; }

    /// <summary>Finds out what has to be done.</summary>
    /// <param name="volumes">What is served.</param>
    /// <param name="next">What the file says now.</param>
    public static ReloadPlan Make(RunningVolumes volumes, ServeConfiguration next)
    {
        var devices = next.Devices.DistinctBy(d => d.Name).ToDictionary(d => d.Name);
        var exports = next.Exports.DistinctBy(e => e.Name).ToDictionary(e => e.Name);
        ImmutableArray<RunningDevice> running = volumes.Devices;
        ImmutableArray<RunningExport> served = volumes.ServedExports;
        RunningDevice[] goneDevices =
            [.. running.Where(d => volumes.IsOfFile(d) && !devices.ContainsKey(d.Name))];
        RunningExport[] goneExports = [.. served.Where(e => volumes.IsOfFile(e) && !exports.ContainsKey(e.Source.Name))];
        // What came over the control socket keeps what it stands on; the log will say so.
        HashSet<string> held = Beneath(
            running,
            [
                .. served.Except(goneExports).Where(e => !exports.ContainsKey(e.Source.Name)).Select(e => e.Source.Device),
                .. running.Except(goneDevices).Where(d => !devices.ContainsKey(d.Name)).SelectMany(d => d.Arguments),
            ]);
        (RunningExport Now, ExportConfiguration Next)[] others =
        [
            .. served.Where(e => exports.ContainsKey(e.Source.Name)).Select(e => (e, exports[e.Source.Name]))
                .Where(pair => pair.e.Source with { Place = "" } != pair.Item2 with { Place = "" }),
        ];
        return new ReloadPlan
        {
            RemovedDevices = goneDevices,
            RemovedExports = goneExports,
            ReplacedExports = [.. others.Where(o => MustLetGo(volumes.Tls, o.Now.Source, o.Next) && !IsMoved(o.Now, o.Next))],
            MovedExports = [.. others.Where(o => IsMoved(o.Now, o.Next))],
            ChangedExports = [.. others.Where(o => !MustLetGo(volumes.Tls, o.Now.Source, o.Next))],
            AddedDevices = [.. next.Devices.Where(d => running.All(r => r.Name != d.Name))],
            AddedExports = [.. next.Exports.Where(e => served.All(s => s.Source.Name != e.Name))],
            Target = volumes.Current with
            {
                Listeners = next.Listeners,
                Tls = next.Tls with { Mode = volumes.Tls.Mode },
                Allow = next.Allow,
                Devices =
                [
                    .. running.Where(d => held.Contains(d.Name) || !goneDevices.Contains(d))
                        .Where(d => !IsChangedIn(devices, d)).Select(d => d.With(d.Device.Table)),
                    .. next.Devices.Where(d => running.All(r => r.Name != d.Name || IsChangedIn(devices, r))),
                ],
                Exports =
                [
                    .. served.Except(goneExports).Where(e => !exports.ContainsKey(e.Source.Name)).Select(e => e.Source),
                    .. next.Exports,
                ],
            },
        };

        bool IsMoved(RunningExport now, ExportConfiguration export) => now.Source.Device != export.Device
            && goneDevices.Any(d => MappedName.Prefix + d.Name == now.Source.Device);
    }

    /// <summary>Whether a file says something else of a device's table than was said when it was made.</summary>
    public static bool IsTableChanged(RunningDevice device, DeviceConfiguration next) =>
        !TableText.Lines(device.Source.TableText).SequenceEqual(TableText.Lines(next.TableText));

    // The mapped devices that some stand on, however deep.
    private static HashSet<string> Beneath(ImmutableArray<RunningDevice> running, IEnumerable<string> arguments)
    {
        var found = new HashSet<string>();
        var open = new Stack<string>(arguments);
        while (open.TryPop(out string? argument))
        {
            if (MappedName.Of(argument) is not { } name || !found.Add(name))
                continue;
            foreach (string below in running.Where(d => d.Name == name).SelectMany(d => d.Arguments))
                open.Push(below);
        }
        return found;
    }

    private static bool IsChangedIn(Dictionary<string, DeviceConfiguration> devices, RunningDevice device) =>
        devices.TryGetValue(device.Name, out DeviceConfiguration? next) && IsTableChanged(device, next);

    private static bool MustLetGo(TlsConfiguration tls, ExportConfiguration now, ExportConfiguration next) =>
        now.Device != next.Device || now.ReadOnly != next.ReadOnly || tls.Covers(now) != tls.Covers(next);
}
