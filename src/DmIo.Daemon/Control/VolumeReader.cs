using System.Reflection;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Hosting;
using DmIo.Mapper;
using DmIo.Nbd;

namespace DmIo.Daemon.Control;

/// <summary>What can be seen of the running daemon.</summary>
internal sealed class VolumeReader(RunningVolumes volumes)
{
    // About a line of a terminal; and more than any picture has use for.
    private const long DefaultCells = 64;
    private const long MaxCells = 65536;

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    /// <summary>The program's version.</summary>
    public static string Version { get; } =
        typeof(VolumeReader).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public DaemonInfo Daemon => new(
        Version, Environment.ProcessId, volumes.Backend, volumes.Loops,
        [.. volumes.Endpoints.Select(e => e.Address)], RefusedConnectionsInfo.Of(volumes.Server.Refusals));

    public RunningDevice Find(string name) =>
        volumes.Devices.FirstOrDefault(d => d.Name == name)
        ?? throw ControlException.NotFound(
            $"{name}: no mapped device of that name{NearestName.Hint(name, [.. volumes.Devices.Select(d => d.Name)])}");

    public async Task<IReadOnlyList<VolumeInfo>> VolumesAsync()
    {
        IReadOnlyList<NbdConnectionInfo> connections = await volumes.Server.ReadConnectionsAsync();
        return [.. volumes.Devices.OrderBy(d => d.Name, StringComparer.Ordinal).Select(d => Describe(d, connections))];
    }

    public async Task<VolumeInfo> VolumeAsync(string name) =>
        Describe(Find(name), await volumes.Server.ReadConnectionsAsync());

    /// <summary>Waits until a device's event number is above another.</summary>
    public async Task<EventNumberInfo> WaitAsync(string name, long? above, CancellationToken cancellation)
    {
        long number = above ?? Find(name).Device.EventNumber;
        while (true)
        {
            long last = volumes.Events.Last;
            if (Find(name).Device.EventNumber is var now && now > number)
                return new EventNumberInfo(now);
            await NextEventAsync(last, cancellation);
        }
    }

    /// <summary>A mirror's regions in cells.</summary>
    public async Task<RegionMapInfo> RegionsAsync(string name, long? cells, long? sector)
    {
        int count = (int)Math.Clamp(cells ?? DefaultCells, 1, MaxCells);
        Sectors? at = sector is { } number ? new Sectors(number) : null;
        return new([.. (await Find(name).Device.RegionMapAsync(count, at)).Select(ControlWords.Of)]);
    }

    public async Task<IReadOnlyList<ConnectionInfo>> ConnectionsAsync() =>
    [
        .. (await volumes.Server.ReadConnectionsAsync()).Select(c => new ConnectionInfo
        {
            Id = c.Id,
            Peer = c.Peer,
            Since = c.Since,
            Export = c.Export?.Name,
            Tls = c.Tls?.Protocol,
            TlsCipher = c.Tls?.Cipher,
            TlsPeer = c.Tls?.PeerName,
            InFlight = c.Traffic?.InFlight ?? 0,
            Requests = c.Traffic?.Requests ?? 0,
            Errors = c.Traffic?.Errors ?? 0,
            BytesRead = c.Traffic?.BytesRead ?? 0,
            BytesWritten = c.Traffic?.BytesWritten ?? 0,
        }),
    ];

    public async Task<IReadOnlyList<ExportInfo>> ExportsAsync()
    {
        IReadOnlyList<NbdConnectionInfo> connections = await volumes.Server.ReadConnectionsAsync();
        NbdExport? byDefault = volumes.Server.DefaultExport;
        return
        [
            .. volumes.Server.Exports.Select(e => new ExportInfo
            {
                Name = e.Name,
                Device = NameOf(e.Device),
                SizeBytes = e.Device.Length.Bytes,
                ReadOnly = e.ReadOnly,
                Default = e == byDefault,
                Hidden = e.IsHidden,
                Description = e.Description,
                Connections = connections.Count(c => c.Export == e),
                Uris = [.. volumes.Endpoints.Select(l => Announcement.UriOf(e.Name, l, e.RequiresTls))],
            }),
        ];
    }

    /// <summary>A device as tables and exports name it.</summary>
    public static string NameOf(BlockDevice device) =>
        device is MappedDevice mapped ? MappedName.Prefix + mapped.Name : device.Name;

    private VolumeInfo Describe(RunningDevice running, IReadOnlyList<NbdConnectionInfo> connections)
    {
        MappedDevice device = running.Device;
        IReadOnlyList<LegFacts> facts = device.LegFacts();
        string[] status = device.StatusLine().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] above =
            [.. volumes.Devices.Where(d => d.Device.Table.Devices.Contains(NameOf(device))).Select(d => d.Name)];
        int openCount = above.Length + connections.Count(c => c.Export?.Device == device);
        return new VolumeInfo
        {
            Name = running.Name,
            Loop = running.Loop,
            Suspended = device.IsSuspended,
            ReadOnly = device.IsReadOnly,
            LengthSectors = device.Length.Count,
            OpenCount = openCount,
            EventNumber = device.EventNumber,
            InfoText = device.InfoText(openCount),
            Table = device.TableLine().Split('\n', StringSplitOptions.RemoveEmptyEntries),
            InactiveTable = device.InactiveTable is null ? null : volumes.LoadedText.GetValueOrDefault(running.Name),
            Status = status,
            Mirrors = [.. status.Select(line => StatusWords.Mirror(line, facts)).OfType<MirrorInfo>()],
            Scrub = device.Scrub is { } scrub ? ScrubInfo.Of(scrub) : null,
            Dependencies = [.. device.Table.Devices],
            UsedBy = above,
            Exports = [.. volumes.Server.Exports.Where(e => e.Device == device).Select(e => e.Name)],
        };
    }

    // Nothing is told of a device that is removed: it is looked for now and then.
    private async Task NextEventAsync(long last, CancellationToken cancellation)
    {
        try
        {
            await volumes.Events.WaitAsync(last, cancellation).WaitAsync(s_look, TimeProvider.System, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            // Another look.
        }
    }
}
