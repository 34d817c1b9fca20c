using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>Puts mapped devices behind those that they stand on.</summary>
internal static class DeviceOrder
{
    /// <summary>Whether what a table or an export names is a device, or stands on it.</summary>
    public static bool StandsOn(string argument, string device, Dictionary<string, Table> tables)
    {
        var looked = new HashSet<string>();
        return Look(argument);

        bool Look(string argument) => MappedName.Of(argument) is { } name && looked.Add(name)
            && (name == device || (tables.TryGetValue(name, out Table? table) && table.Devices.Any(Look)));
    }

    /// <summary>The devices with a table, sorted; those on a cycle are a mistake and left out.</summary>
    public static List<DeviceConfiguration> Sort(
        IReadOnlyList<DeviceConfiguration> devices, Dictionary<string, Table> tables, Mistakes mistakes)
    {
        var sorted = new List<DeviceConfiguration>();
        var done = new HashSet<string>();
        var path = new List<string>();
        foreach (DeviceConfiguration device in devices)
            Visit(device);
        return sorted;

        void Visit(DeviceConfiguration device)
        {
            int at = path.IndexOf(device.Name);
            if (at >= 0)
            {
                IEnumerable<string> names = path.Skip(at).Append(device.Name).Select(n => MappedName.Prefix + n);
                string cycle = string.Join(" -> ", names);
                mistakes.Add(device.TablePlace, $"the devices stand on each other: {cycle}; take one of them out");
                return;
            }
            if (!tables.TryGetValue(device.Name, out Table? table) || !done.Add(device.Name))
                return;
            path.Add(device.Name);
            foreach (string argument in table.Devices)
            {
                if (MappedName.Of(argument) is { } name && devices.FirstOrDefault(d => d.Name == name) is { } below)
                    Visit(below);
            }
            path.RemoveAt(path.Count - 1);
            sorted.Add(device);
        }
    }
}
