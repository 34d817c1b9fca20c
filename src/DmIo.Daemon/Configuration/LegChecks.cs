using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>
/// Looks at the files and disks that tables and exports name: are they there, long enough, used in one way?
/// </summary>
internal sealed class LegChecks(ServeConfiguration source, Dictionary<string, Table> tables, Mistakes mistakes)
{
    // The largest block size that disks have.
    private const int LogBlockBytes = 4096;

    // A log of writes without any: its first sector, the end mark, and the sector that stays free.
    private const int LeastLogBytes = 3 * Sectors.SizeBytes;

    // By the words that tables and exports have for them.
    private readonly Dictionary<string, LegFile> _files = [];
    private readonly Dictionary<string, string> _paths = [];
    private readonly HashSet<string> _direct = [];
    private readonly HashSet<string> _written = [];

    // What lies beneath devices that no export reaches, yet.
    private readonly HashSet<string> _mayBeWritten = [];

    // What somebody cannot do without.
    private readonly HashSet<string> _needed = [];
    private readonly HashSet<(string Device, bool ReadOnly)> _marked = [];
    private readonly OverlapCheck _overlaps = new(mistakes);

    /// <summary>
    /// Checks all that is named; <paramref name="order"/> has each device behind those that it stands on.
    /// </summary>
    public void Run(IReadOnlyList<DeviceConfiguration> order)
    {
        foreach (DeviceConfiguration device in order)
        {
            foreach (TableLine line in tables[device.Name].Lines)
            {
                bool isMirror = line.Target is MirrorSpec;
                foreach (DeviceArgument use in line.Target.Devices)
                    CheckUse(device, use, line.Target.LengthOnDevice(line.Length), isMirror);
                foreach (string log in line.Target.OtherDevices)
                    CheckLog(device, log, line);
                if (isMirror && device.Degraded && line.Target.Devices.All(IsUnavailable))
                    mistakes.Add(device.TablePlace, "all legs are missing; one of them at least must be there");
            }
            CheckDirect(device);
            if (device.IsWritten)
                MarkWritten(MappedName.Prefix + device.Name, readOnly: false);
        }
        foreach (ExportConfiguration export in source.Exports)
            CheckExport(export);
        foreach (DeviceConfiguration device in order.Where(d => !d.IsReadOnly && !IsReached(d)))
        {
            foreach (string path in tables[device.Name].Devices.Where(d => MappedName.Of(d) is null))
                _mayBeWritten.Add(KeyOf(path));
        }
        _overlaps.Run(_written);
        CheckAccess();
    }

    /// <summary>What tells a device from others: dm:NAME, or the file itself whatever its name.</summary>
    public string KeyOf(string argument) =>
        MappedName.Of(argument) is null ? Probe(argument).Identity : argument;

    /// <summary>Whether this run makes all the files that hold a table's data.</summary>
    public bool AllAreNew(Table table) =>
        table.Lines.SelectMany(line => line.Target.Devices).All(
            d => MappedName.Of(d.Device) is null && source.NewLegs.Any(n => n.Path == source.Resolve(d.Device)));

    public Dictionary<string, LegUse> Uses(LoopGroups groups)
    {
        var uses = new Dictionary<string, LegUse>();
        foreach ((string argument, LegFile file) in _files)
        {
            bool alone = groups.Groups <= groups.Loops
                && _files.Values.Select(f => f.Identity)
                    .All(other => other == file.Identity || !groups.AreTogether(other, file.Identity));
            uses.Add(argument, new LegUse
            {
                Path = _paths[file.Identity],
                Loop = groups.LoopOf(file.Identity),
                Direct = _direct.Contains(file.Identity),
                ReadOnly = !_written.Contains(file.Identity),
                MayBeWritten = _mayBeWritten.Contains(file.Identity) && Access.MayWrite(_paths[file.Identity]),
                MayBeMissing = !_needed.Contains(file.Identity),
                IsOnlyLeg = alone,
            });
        }
        return uses;
    }

    private bool IsUnavailable(DeviceArgument leg) => MappedName.Of(leg.Device) is null && Probe(leg.Device).IsUnavailable;

    private void CheckUse(DeviceConfiguration device, DeviceArgument use, Sectors length, bool isMirror)
    {
        long have;
        if (MappedName.Of(use.Device) is { } name)
        {
            if (!tables.TryGetValue(name, out Table? below))
                return;
            have = below.Length.Bytes;
        }
        else
        {
            LegFile file = Probe(use.Device);
            bool mayBeMissing = isMirror && device.Degraded;
            if (!mayBeMissing)
                _needed.Add(file.Identity);
            if (mayBeMissing && file.IsUnavailable)
                return;
            if (!CheckFile(device.TablePlace, use.Device, file, isMirror ? source.WithoutLeg : ""))
                return;
            have = file.SizeBytes;
        }
        _overlaps.Add(device, use, length, KeyOf(use.Device));
        long need = (use.Offset + length).Bytes;
        if (have < need && !device.Grows)
        {
            string from = use.Offset == Sectors.Zero ? "" : $" (from sector {use.Offset})";
            mistakes.Add(device.TablePlace,
                $"{Shown(use.Device)} has {have} bytes and {need} are needed{from}; "
                + "make it longer, or the volume smaller");
        }
    }

    private void CheckLog(DeviceConfiguration device, string log, TableLine line)
    {
        long have;
        if (MappedName.Of(log) is { } name)
        {
            if (!tables.TryGetValue(name, out Table? below))
                return;
            have = below.Length.Bytes;
        }
        else
        {
            LegFile file = Probe(log);
            _needed.Add(file.Identity);
            if (!CheckFile(device.TablePlace, log, file, ""))
                return;
            have = file.SizeBytes;
        }
        _overlaps.AddLog(device, log, KeyOf(log));
        if (line.Target is MirrorSpec mirror)
            CheckMirrorLog(device, log, have, line.Length, mirror.RegionSize);
        else if (have < LeastLogBytes)
            mistakes.Add(
                device.TablePlace, $"{Shown(log)} has {have} bytes, too few for a log; make it longer than what will be written");
    }

    private void CheckMirrorLog(DeviceConfiguration device, string log, long have, Sectors length, Sectors regionSize)
    {
        // A disk with larger blocks may need more: that is known when it has been opened.
        long least = MirrorLogSize.LeastBytesFor(length, regionSize, Sectors.SizeBytes);
        if (have >= least)
            return;
        mistakes.Add(device.TablePlace,
            $"{Shown(log)} has {have} bytes and a log of regions of {regionSize} sectors needs {least}; make it longer "
            + $"({MirrorLogSize.BytesFor(length, regionSize, LogBlockBytes)} have room for the record as well), or take a "
            + "larger region size");
    }

    private string Shown(string argument) => MappedName.Of(argument) is null ? source.Resolve(argument) : argument;

    private bool CheckFile(string place, string argument, LegFile file, string otherRemedy)
    {
        if (file.Problem is not null)
            mistakes.Add(place, $"{source.Resolve(argument)} {file.ProblemWith(source.HowToCreate, otherRemedy)}");
        else if (file.SizeBytes % Sectors.SizeBytes != 0)
            mistakes.Add(place, $"{source.Resolve(argument)} has {file.SizeBytes} bytes, not a multiple of 512; "
                + $"make it {Sectors.Ceiling(file.SizeBytes).Bytes} (truncate -s %512)");
        return file.Problem is null;
    }

    private void CheckDirect(DeviceConfiguration device)
    {
        string[] paths = [.. tables[device.Name].Devices.Where(d => MappedName.Of(d) is null)];
        foreach (string path in device.DirectPaths)
        {
            if (!paths.Contains(path))
                mistakes.Add(device.Place, $"direct: {path} is not in the table{NearestName.Hint(path, paths)}");
        }
        foreach (string path in paths.Where(p => device.Direct || device.DirectPaths.Contains(p)))
            _direct.Add(Probe(path).Identity);
    }

    private void CheckExport(ExportConfiguration export)
    {
        if (MappedName.Of(export.Device) is null)
        {
            LegFile file = Probe(export.Device);
            _needed.Add(file.Identity);
            if (!CheckFile(export.Place, export.Device, file, ""))
                return;
            if (file.SizeBytes < Sectors.SizeBytes)
                mistakes.Add(
                    export.Place, $"{source.Resolve(export.Device)} is empty; give it a size (truncate -s 1G)");
        }
        MarkWritten(export.Device, export.ReadOnly);
        if (export.ReadOnly)
            return;
        // Writes past a mapped device change its legs behind its back. That devices stand on each other is told elsewhere.
        string key = KeyOf(export.Device);
        DeviceConfiguration? above = source.Devices.FirstOrDefault(
            d => tables.TryGetValue(d.Name, out Table? table) && table.Devices.Any(a => KeyOf(a) == key)
                && !DeviceOrder.StandsOn(export.Device, d.Name, tables));
        if (above is not null)
            mistakes.Add(
                export.Place, $"{export.Device} lies under dm:{above.Name}; export it read-only, or not at all");
    }

    private bool IsReached(DeviceConfiguration device) =>
        _marked.Contains((device.Name, true)) || _marked.Contains((device.Name, false));

    // A mirror writes by itself (recovery), so only what read-only exports reach without one stays unchanged.
    private void MarkWritten(string argument, bool readOnly)
    {
        if (!readOnly)
            _written.Add(KeyOf(argument));
        if (MappedName.Of(argument) is not { } name || !tables.TryGetValue(name, out Table? table))
            return;
        // Once is enough, and ends on cycles too.
        if (!_marked.Add((name, readOnly)))
            return;
        foreach (TableLine line in table.Lines)
        {
            foreach (DeviceArgument use in line.Target.Devices)
                MarkWritten(use.Device, readOnly && line.Target is not MirrorSpec);
            foreach (string log in line.Target.OtherDevices)
                MarkWritten(log, readOnly: false);
        }
    }

    private void CheckAccess()
    {
        foreach (LegFile file in _files.Values.Where(f => f.Exists && f.Problem is null).DistinctBy(f => f.Identity))
        {
            string path = _paths[file.Identity];
            if (!_needed.Contains(file.Identity))
                continue;
            if (!Access.MayRead(path) || (_written.Contains(file.Identity) && !Access.MayWrite(path)))
                mistakes.Add(
                    path, "may not be read and written by this user; run as one who may, or export it read-only");
        }
        foreach (NewLeg leg in source.NewLegs)
        {
            string parent = Path.GetDirectoryName(leg.Path)!;
            if (source.OwnDirectories.Contains(parent))
                continue;
            if (!Directory.Exists(parent))
                mistakes.Add(leg.Place, $"the directory {parent} does not exist; make it first");
            else if (!Access.MayWrite(parent))
                mistakes.Add(
                    leg.Place, $"{parent} may not be written; name another directory, or run as a user who may");
        }
    }

    private LegFile Probe(string argument)
    {
        if (_files.TryGetValue(argument, out LegFile? known))
            return known;
        string path = source.Resolve(argument);
        LegFile file = LegFile.Probe(path);
        if (!file.Exists && source.NewLegs.FirstOrDefault(n => n.Path == path) is { } made)
            file = file with { SizeBytes = made.SizeBytes, Problem = null };
        _files.Add(argument, file);
        _paths.TryAdd(file.Identity, path);
        return file;
    }
}
