using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>
/// Finds everything that is wrong with a configuration without making, locking or changing anything, and puts its parts
/// into the order in which they are brought to life.
/// </summary>
internal sealed class ConfigurationCheck
{
    private readonly ServeConfiguration _source;
    private readonly Mistakes _mistakes;
    private readonly Dictionary<string, Table> _tables = [];

    private ConfigurationCheck(ServeConfiguration source, Mistakes mistakes)
    {
        _source = source;
        _mistakes = mistakes;
    }

    /// <summary>The checked configuration; null when there are mistakes.</summary>
    public static CheckedConfiguration? Run(ServeConfiguration source, Mistakes mistakes)
    {
        CheckedConfiguration @checked = new ConfigurationCheck(source, mistakes).Run();
        return mistakes.Count > 0 ? null : @checked;
    }

    /// <summary>
    /// Checks a change of what is served already: mistakes that were there before it are no reason against it.
    /// </summary>
    public static CheckedConfiguration? RunChange(ServeConfiguration before, ServeConfiguration after, Mistakes mistakes)
    {
        var old = new Mistakes();
        new ConfigurationCheck(before with { WithoutLeg = after.WithoutLeg }, old).Run();
        var all = new Mistakes();
        CheckedConfiguration @checked = new ConfigurationCheck(after, all).Run();
        mistakes.AddThoseNotIn(old, all);
        return mistakes.Count > 0 ? null : @checked;
    }

    private CheckedConfiguration Run()
    {
        CheckListeners();
        _source.Allow.Check(_source.Listeners, _mistakes);
        _source.Tls.Check(_source.Exports, _mistakes);
        ParseTables();
        var names = _source.Devices.Select(d => d.Name).ToHashSet();
        ExportChecks.Run(_source, names, _mistakes);
        CheckReferences(names);
        List<DeviceConfiguration> order = DeviceOrder.Sort(_source.Devices, _tables, _mistakes);
        var legs = new LegChecks(_source, _tables, _mistakes);
        legs.Run(order);
        CheckStateDirectory();

        var groups = new LoopGroups(Environment.ProcessorCount);
        foreach (DeviceConfiguration device in order)
            groups.Join(MappedName.Prefix + device.Name, _tables[device.Name].Devices.Select(legs.KeyOf));
        foreach (ExportConfiguration export in _source.Exports)
            groups.Join(legs.KeyOf(export.Device), []);
        return new CheckedConfiguration
        {
            Source = _source,
            Devices = [.. order.Select(d => new CheckedDevice(
                d, _tables[d.Name], groups.LoopOf(MappedName.Prefix + d.Name), legs.AllAreNew(_tables[d.Name])))],
            Exports = [.. _source.Exports.Select(e => new CheckedExport(e, groups.LoopOf(legs.KeyOf(e.Device))))],
            Legs = legs.Uses(groups),
            Loops = groups.Loops,
        };
    }

    private void CheckListeners()
    {
        if (_source.Listeners.Count == 0 && _mistakes.Count == 0 && _source.NeedsListeners)
        {
            _mistakes.Add(
                "listeners",
                "there is none; add { \"unix\": PATH } or { \"tcp\": HOST:PORT }, or have sockets passed by a service manager");
        }
        var seen = new HashSet<string>();
        foreach (ListenerConfiguration listener in _source.Listeners)
        {
            if (listener.Passed is not null)
                continue;
            string address = listener.Address;
            // Port 0 is a free port of the kernel's choice: two of them do not meet.
            if (!seen.Add(address) && listener.Endpoint is not { Port: 0 })
                _mistakes.Add(listener.Place, $"{address} is named twice; keep one");
            if (listener.UnixPath is not { } path)
                continue;
            string parent = Path.GetDirectoryName(path)!;
            if (!_source.OwnDirectories.Contains(parent))
                CheckDirectory(listener.Place, parent, mayMake: false);
            if (Directory.Exists(path))
                _mistakes.Add(listener.Place, $"{path} is a directory; name the socket itself");
            else if (File.Exists(path) && !UnixSocketFile.Is(path))
                _mistakes.Add(listener.Place, $"{path} exists and is no socket; name another path, or remove it");
        }
    }

    private void ParseTables()
    {
        foreach (DeviceConfiguration device in _source.Devices)
        {
            if (!DeviceName.IsValid(device.Name))
                _mistakes.Add(device.Place, $"'{device.Name}' is no name for a mapped device; {DeviceName.Remedy}");
            if (device.Table is { } served)
            {
                _tables[device.Name] = served;
                continue;
            }
            if (device.TableText.Length == 0)
                continue;
            var errors = new List<TableError>();
            if (TableParser.Parse(device.TableText, errors) is { } table)
            {
                if (!_tables.TryAdd(device.Name, table))
                    _mistakes.Add(device.Place, $"'{device.Name}' is there twice; give one of them another name");
            }
            foreach (TableError error in errors)
            {
                string word = error.Argument.Length > 0 ? $" at '{error.Argument}'" : "";
                _mistakes.Add(device.TablePlace, $"table line {error.Line}{word}: {error.Message}");
            }
        }
    }

    private void CheckReferences(HashSet<string> names)
    {
        foreach (DeviceConfiguration device in _source.Devices)
        {
            if (!_tables.TryGetValue(device.Name, out Table? table))
                continue;
            foreach (string argument in table.Devices)
            {
                if (MappedName.Of(argument) is { } name && !names.Contains(name))
                    _mistakes.Add(
                        device.TablePlace, $"{argument}: no mapped device of that name{NearestName.Hint(name, names)}");
            }
            int legs = table.Lines.Max(l => l.Target is MirrorSpec mirror ? mirror.Legs.Count : 0);
            if (legs == 0 && OfMirror(device) is { } option)
                _mistakes.Add(device.Place, $"{option} is for mirrors, and this table has none; leave it out");
            else if (device.SyncFrom >= legs)
                _mistakes.Add(
                    device.Place, $"syncFrom: {device.SyncFrom} is no leg; legs are counted from 0 to {legs - 1}");
            if (legs > 0 && device.Mirror is { } policy)
                MirrorPolicy.CheckLegs(device.Place, policy, legs, _mistakes);
        }
    }

    private static string? OfMirror(DeviceConfiguration device) => device switch
    {
        { SyncFrom: not null } => "syncFrom",
        { AssumeClean: true } => "assumeClean",
        { Degraded: true } => "degraded",
        { Mirror: not null } => "mirror",
        _ => null,
    };

    private void CheckStateDirectory()
    {
        bool needed = _tables.Values.Any(t => t.Lines.Any(l => l.Target is MirrorSpec));
        if (needed)
            CheckDirectory(_source.StateDirectoryPlace, _source.StateDirectory, mayMake: true);
        foreach (string directory in _source.OwnDirectories)
            CheckDirectory("default directory", directory, mayMake: true);
    }

    private void CheckDirectory(string place, string path, bool mayMake)
    {
        string existing = path;
        while (mayMake && !Path.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
            existing = parent;
        if (Path.Exists(existing) && !Directory.Exists(existing))
            _mistakes.Add(place, $"{existing} is no directory; name another");
        else if (!Path.Exists(existing))
            _mistakes.Add(place, $"the directory {path} does not exist; make it first");
        else if (!Access.MayWrite(existing))
            _mistakes.Add(place, $"{existing} may not be written; name another directory, or run as a user who may");
    }
}
