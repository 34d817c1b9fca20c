using DmIo.Daemon.Configuration;
using DmIo.Daemon.Hosting;
using DmIo.Mapper;
using DmIo.Nbd;

namespace DmIo.Daemon.Control;

/// <summary>What can be changed of the running daemon's devices. Nothing of it outlasts the daemon.</summary>
#pragma warning disable CA1001 // A semaphore that nobody waits for by handle holds nothing that would have to be given back.
internal sealed partial class VolumeChanges(RunningVolumes volumes, VolumeReader reader)
#pragma warning restore CA1001
{
    // Which devices there are and which files are open changes one at a time. What takes long is not done under it.
    private readonly SemaphoreSlim _lock = new(1);

    public async Task<VolumeInfo> CreateAsync(CreateRequest request, CancellationToken cancellation)
    {
        Table table = Parse(request.Name, request.Table);
        var device = new DeviceConfiguration
        {
            Place = request.Name,
            TablePlace = request.Name,
            Name = request.Name,
            TableText = request.Table,
            Table = table,
            IsWritten = !request.ReadOnly,
            IsReadOnly = request.ReadOnly,
            Direct = request.Direct,
            SyncFrom = request.SyncFrom,
            Force = request.Force,
            AssumeClean = request.AssumeClean,
            Degraded = request.Degraded,
        };
        await _lock.WaitAsync(cancellation);
        try
        {
            if (volumes.Devices.Any(d => d.Name == request.Name))
                throw ControlException.Conflict($"{request.Name}: is there already; remove it first, or take another name");
            await AddDeviceAsync(device, table, LegFile.WithoutIt, cancellation);
        }
        catch
        {
            await volumes.CloseUnusedAsync();
            throw;
        }
        finally
        {
            _lock.Release();
        }
        return await reader.VolumeAsync(request.Name);
    }

    // Under the lock.
    private async Task AddDeviceAsync(
        DeviceConfiguration device, Table table, string withoutLeg, CancellationToken cancellation)
    {
        ServeConfiguration current = volumes.Current;
        ServeConfiguration after = current with { Devices = [.. current.Devices, device], WithoutLeg = withoutLeg };
        int loop = await volumes.PrepareAsync(after, device.Name, [.. table.Devices], home: null);
        await volumes.AddDeviceAsync(device, table, loop, cancellation);
    }

    public async Task RemoveAsync(string name, CancellationToken cancellation)
    {
        await _lock.WaitAsync(cancellation);
        try
        {
            await RemoveUnusedAsync(reader.Find(name));
        }
        finally
        {
            _lock.Release();
        }
    }

    // Under the lock.
    private async Task RemoveUnusedAsync(RunningDevice device)
    {
        await CheckUnusedAsync(device);
        volumes.LoadedText.TryRemove(device.Name, out _);
        if (!await volumes.RemoveDeviceAsync(device))
        {
            throw ControlException.Failed(
                $"{device.Name}: was removed, and not everything could be flushed or recorded (the daemon's log says what): its "
                + "next start is one after a crash");
        }
    }

    /// <summary>Takes a table that the next resume makes the live one.</summary>
    public async Task LoadAsync(string name, TableRequest request, CancellationToken cancellation)
    {
        Table table = Parse(name, request.Table);
        await WithDevicesAsync(
            name, _ => table, d => d.Device.LoadAsync(table, OptionsOf(d, request)), cancellation,
            after => Loading(after, name, request.Degraded));
        if (request.Degraded)
            volumes.LetBeDegraded(reader.Find(name));
        volumes.LoadedText[name] = TableText.Lines(request.Table);
    }

    // Who loads a table has an option that other changes have not.
    private static ServeConfiguration Loading(ServeConfiguration after, string name, bool degraded) => after with
    {
        WithoutLeg = LegFile.WithoutIt,
        Devices = [.. after.Devices.Select(d => d.Name == name ? d with { Degraded = d.Degraded || degraded } : d)],
    };

    /// <summary>Looks at a device's table again, so that legs are taken up that were missing or unplugged.</summary>
    /// <param name="name">The device.</param>
    /// <param name="legs">What its table calls them.</param>
    /// <param name="knownLegsOnly">Whether others that have come to stand under their names are refused.</param>
    /// <param name="cancellation">Gives up before they are taken up.</param>
    public async Task TakeUpAsync(
        string name, IReadOnlyList<string> legs, bool knownLegsOnly, CancellationToken cancellation)
    {
        RunningDevice superseded = reader.Find(name);
        volumes.Supersede(superseded, legs);
        try
        {
            await WithDevicesAsync(
                name, d => d.Device.Table,
                async d =>
                {
                    await d.Device.LoadAsync(d.Device.Table, null, knownLegsOnly);
                    await d.Device.ResumeAsync(cancellation);
                },
                cancellation);
        }
        finally
        {
            volumes.EndSupersession(superseded, legs);
            await CloseUnusedAsync(CancellationToken.None);
        }
    }

    public async Task ClearAsync(string name, CancellationToken cancellation)
    {
        await reader.Find(name).Device.ClearInactiveAsync();
        await CloseUnusedAsync(cancellation);
    }

    public Task SuspendAsync(string name, bool flush, CancellationToken cancellation) =>
        reader.Find(name).Device.SuspendAsync(flush, cancellation);

    public async Task ResumeAsync(string name, CancellationToken cancellation)
    {
        RunningDevice device = reader.Find(name);
        try
        {
            if (device.Device.InactiveTable is { } next)
                await CheckAsync(device, next, cancellation);
            await device.Device.ResumeAsync(cancellation);
        }
        finally
        {
            await CloseUnusedAsync(CancellationToken.None);
        }
    }

    public async Task<MessageAnswer> MessageAsync(string name, MessageRequest request) =>
        new(await reader.Find(name).Device.MessageAsync(new Sectors(request.Sector), request.Words));

    private static Table Parse(string name, string text)
    {
        var errors = new List<TableError>();
        if (TableParser.Parse(text, errors) is { } table)
            return table;
        IEnumerable<string> sentences = errors.Select(error =>
        {
            string word = error.Argument.Length > 0 ? $" at '{error.Argument}'" : "";
            return $"{name}: table line {error.Line}{word}: {error.Message}";
        });
        throw ControlException.Mistake(string.Join('\n', sentences));
    }

    private MappedDeviceOptions? OptionsOf(RunningDevice device, TableRequest request) =>
        request is { SyncFrom: null, AssumeClean: false, Force: false }
            ? null
            : volumes.OptionsOf(device.Source with
            {
                SyncFrom = request.SyncFrom,
                Force = request.Force,
                AssumeClean = request.AssumeClean,
            });

    /// <summary>
    /// Opens what a table needs, on the loop of the device or with the device on another, and keeps it open and there until
    /// the change is done, whatever else changes meanwhile.
    /// </summary>
    private async Task WithDevicesAsync(
        string name, Func<RunningDevice, Table> tableOf, Func<RunningDevice, Task> change, CancellationToken cancellation,
        Func<ServeConfiguration, ServeConfiguration>? adapt = null)
    {
        RunningDevice device;
        string[] claims;
        await _lock.WaitAsync(cancellation);
        try
        {
            device = reader.Find(name);
            Table table = tableOf(device);
            string[] arguments = [.. table.Devices];
            ServeConfiguration after = volumes.CurrentWith(device, table);
            await volumes.PrepareAsync(adapt?.Invoke(after) ?? after, name, arguments, device.Loop);
            device = reader.Find(name);
            claims = [.. arguments, MappedName.Prefix + name];
            volumes.Claim(claims);
        }
        catch
        {
            await volumes.CloseUnusedAsync();
            throw;
        }
        finally
        {
            _lock.Release();
        }
        try
        {
            await change(device);
        }
        finally
        {
            await _lock.WaitAsync(CancellationToken.None);
            volumes.Unclaim(claims);
            await volumes.CloseUnusedAsync();
            _lock.Release();
        }
    }

    private async Task CheckAsync(RunningDevice device, Table table, CancellationToken cancellation)
    {
        await _lock.WaitAsync(cancellation);
        try
        {
            await volumes.PrepareAsync(
                volumes.CurrentWith(device, table), device.Name, [.. table.Devices], device.Loop);
        }
        finally
        {
            _lock.Release();
        }
    }

    private async Task CloseUnusedAsync(CancellationToken cancellation)
    {
        await _lock.WaitAsync(cancellation);
        try
        {
            await volumes.CloseUnusedAsync();
        }
        finally
        {
            _lock.Release();
        }
    }

    private async Task CheckUnusedAsync(RunningDevice device)
    {
        string argument = MappedName.Prefix + device.Name;
        string[] above = [.. volumes.Devices.Where(d => d.Arguments.Contains(argument)).Select(d => $"dm:{d.Name}")];
        string[] exports = [.. volumes.ServedExports.Where(e => e.Export.Device == device.Device).Select(e => e.Source.Name)];
        var uses = new List<string>();
        if (above.Length > 0)
            uses.Add($"{string.Join(" and ", above)} {(above.Length == 1 ? "stands" : "stand")} on it");
        IReadOnlyList<NbdConnectionInfo> connections = await volumes.Server.ReadConnectionsAsync();
        foreach (string export in exports)
        {
            int clients = connections.Count(c => c.Export?.Name == export);
            uses.Add($"it is exported as '{export}'{(clients == 0 ? "" : $", with {clients} client(s)")} (export remove {export})");
        }
        if (uses.Count > 0)
            throw ControlException.Conflict($"{device.Name}: is in use: {string.Join("; ", uses)}; end that first");
    }
}
