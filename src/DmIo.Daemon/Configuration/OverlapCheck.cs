using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>
/// Finds sectors that two lines of tables use, under whatever names: two legs in one place are no mirror, and two
/// devices in one place destroy each other.
/// </summary>
internal sealed class OverlapCheck(Mistakes mistakes)
{
    private readonly List<Use> _uses = [];

    public void Add(DeviceConfiguration device, DeviceArgument argument, Sectors length, string key) =>
        _uses.Add(new(device, argument, argument.Offset, argument.Offset + length, key));

    /// <summary>
    /// Tells the overlaps on devices that are <paramref name="written"/>; readers do not disturb each other.
    /// </summary>
    public void Run(HashSet<string> written)
    {
        foreach (IGrouping<string, Use> uses in _uses.GroupBy(u => u.Key).Where(g => written.Contains(g.Key)))
        {
            Use? furthest = null;
            foreach (Use use in uses.OrderBy(u => u.Start))
            {
                if (furthest is not null && use.Start < furthest.End)
                {
                    string there =
                        $"as {furthest.Argument.Device}, sectors {furthest.Start} to {furthest.End - new Sectors(1)}";
                    mistakes.Add(
                        use.Device.TablePlace, $"{use.Argument.Device} from sector {use.Start} on is used by "
                        + $"dm:{furthest.Device.Name} already ({there}); each needs a place of its own");
                }
                if (furthest is null || use.End > furthest.End)
                    furthest = use;
            }
        }
    }

    private sealed record Use(
        DeviceConfiguration Device, DeviceArgument Argument, Sectors Start, Sectors End, string Key);
}
