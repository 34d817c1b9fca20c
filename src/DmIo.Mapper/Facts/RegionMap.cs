namespace DmIo.Mapper;

/// <summary>The regions of a mirror in few cells, each the most remarkable of its regions.</summary>
internal static class RegionMap
{
    public static RegionState[] Of(LegSet legs, RegionUses uses, IReadOnlyList<RecoverySpan> copying, int cells)
    {
        var map = new RegionState[(int)Math.Min(cells, legs.Regions)];
        for (int cell = 0; cell < map.Length; cell++)
        {
            long first = (long)((Int128)legs.Regions * cell / map.Length);
            long last = (long)((Int128)legs.Regions * (cell + 1) / map.Length) - 1;
            map[cell] = legs.AreInSync(first, last) ? RegionState.InSync : RegionState.OutOfSync;
        }
        foreach (RegionUse use in uses.All)
            Raise(use.Region, use.Region, RegionState.Dirty);
        foreach (RecoverySpan span in copying)
            Raise(span.FirstRegion, span.LastRegion, RegionState.Copying);
        return map;

        void Raise(long first, long last, RegionState state)
        {
            for (int cell = CellOf(first); cell <= CellOf(last); cell++)
                map[cell] = (RegionState)Math.Max((int)map[cell], (int)state);
        }

        // The cell whose first region is the last that is not behind it.
        int CellOf(long region) => (int)((((Int128)region + 1) * map.Length - 1) / legs.Regions);
    }
}
