namespace DmIo.Mapper;

/// <summary>Regions as runs, first and last of each: how they are written for people and in state files.</summary>
internal static class RegionRanges
{
    // A state file stays small: beyond this many runs neighbours are joined with what lies between them, which costs a
    // copy and loses nothing. Arbitrary.
    private const int MaxRuns = 4096;

    public static IReadOnlyList<long[]>? Of(RegionSet set)
    {
        if (set.Count == 0)
            return null;
        var ranges = new List<long[]>();
        for (long region = set.NextFrom(0); region >= 0; region = set.NextFrom(region + 1))
        {
            if (ranges.Count > 0 && ranges[^1][1] == region - 1)
                ranges[^1][1] = region;
            else
                ranges.Add([region, region]);
        }
        while (ranges.Count > MaxRuns)
            ranges = [.. ranges.Chunk(2).Select(pair => new[] { pair[0][0], pair[^1][1] })];
        return ranges;
    }

    /// <exception cref="FormatException">A range is none, or lies outside the mirror.</exception>
    public static void AddTo(RegionSet set, IReadOnlyList<long[]>? ranges, long regions)
    {
        foreach (long[] range in ranges ?? [])
        {
            if (range is not [>= 0, _] || range[0] > range[1] || range[1] >= regions)
                throw new FormatException($"[{string.Join(", ", range)}] is no range of the mirror's {regions} regions");
            for (long region = range[0]; region <= range[1]; region++)
                set.Add(region);
        }
    }

    /// <summary>The first few runs, as in "3, 7-9 and 12 more".</summary>
    public static string Describe(RegionSet set)
    {
        // Enough to look at, short enough for a line of a log.
        const int Shown = 8;
        IReadOnlyList<long[]> ranges = Of(set) ?? [];
        IEnumerable<string> words = ranges.Take(Shown).Select(r => r[0] == r[1] ? $"{r[0]}" : $"{r[0]}-{r[1]}");
        long rest = ranges.Skip(Shown).Sum(r => r[1] - r[0] + 1);
        return string.Join(", ", words) + (rest > 0 ? $" and {rest} more" : "");
    }
}
