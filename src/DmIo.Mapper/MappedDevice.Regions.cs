namespace DmIo.Mapper;

// Which legs have what.
public sealed partial class MappedDevice
{
    /// <inheritdoc/>
    public void ReadRegions(RegionQuestion question, Sectors start, Sectors count, int most, IList<RegionLegs> runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        Sectors end = start + count;
        for (int i = FindTarget(start); i < _targets.Length && runs.Count < most && _targets[i].Begin < end; i++)
        {
            Target target = _targets[i];
            Sectors from = Sectors.Max(start, target.Begin);
            Sectors length = Sectors.Min(end, target.Begin + target.Length) - from;
            int first = runs.Count;
            target.ReadRegions(question, from - target.Begin, length, most, runs);
            for (int run = first; run < runs.Count; run++)
                runs[run] = runs[run] with { Start = runs[run].Start + target.Begin };
        }
    }
}
