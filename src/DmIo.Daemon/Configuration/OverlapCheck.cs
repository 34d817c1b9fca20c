using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>
/// Finds sectors that two lines of tables use, under whatever names: two legs in one place are no mirror, and two
/// devices in one place destroy each other. A log has its device for itself.
/// </summary>
internal sealed class OverlapCheck(Mistakes mistakes)
{
    private readonly List<Use> _uses = [];

    public void Add(DeviceConfiguration device, DeviceArgument argument, Sectors length, string key) =>
        _uses.Add(new(device, argument.Device, argument.Offset, argument.Offset + length, key, IsLog: false));

    public void AddLog(DeviceConfiguration device, string argument, string key) =>
        _uses.Add(new(device, argument, Sectors.Zero, new Sectors(long.MaxValue), key, IsLog: true));

    /// <summary>
    /// Tells the overlaps on devices that are <paramref name="written"/>; readers do not disturb each other.
    /// </summary>
    public void Run(HashSet<string> written)
    {
        foreach (IGrouping<string, Use> uses in _uses.GroupBy(u => u.Key).Where(g => written.Contains(g.Key)))
        {
            Use? furthest = null;
            // A log comes first, so that whatever else is there meets it.
            foreach (Use use in uses.OrderBy(u => !u.IsLog).ThenBy(u => u.Start))
            {
                if (furthest is not null && use.Start < furthest.End)
                    mistakes.Add(use.Device.TablePlace, furthest.IsLog ? MeetsLog(furthest, use) : Meet(furthest, use));
                if (furthest is null || use.End > furthest.End)
                    furthest = use;
            }
        }
    }

    private static string Meet(Use there, Use use) =>
        $"{use.Argument} from sector {use.Start} on is used by dm:{there.Device.Name} already (as {there.Argument}, "
        + $"sectors {there.Start} to {there.End - new Sectors(1)}); each needs a place of its own";

    private static string MeetsLog(Use log, Use use) =>
        $"{use.Argument} is the log of dm:{log.Device.Name} already (as {log.Argument}); a log takes a whole device: "
        + "name another for one of them";

    private sealed record Use(
        DeviceConfiguration Device, string Argument, Sectors Start, Sectors End, string Key, bool IsLog);
}
