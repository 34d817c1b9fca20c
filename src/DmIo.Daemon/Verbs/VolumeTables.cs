using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DmIo.Daemon.Verbs;

/// <summary>Volumes as people look at them.</summary>
internal static class VolumeTables
{
    public static Table Volumes(IReadOnlyList<VolumeInfo> volumes)
    {
        Table table = New("name", "size", "state", "targets", "health", "in sync", "open", "exports");
        foreach (VolumeInfo volume in volumes)
        {
            string[] targets = [.. volume.Table.Select(line => line.Split(' ')[2]).Distinct()];
            table.AddRow(
                new Text(volume.Name),
                new Text(ByteSize.Format(volume.LengthSectors << Sectors.Shift)),
                State(volume),
                new Text(string.Join(' ', targets)),
                Health(volume.Mirrors.SelectMany(m => m.Legs)),
                new Text(string.Join(' ', volume.Mirrors.Select(m => $"{m.RegionsInSync}/{m.Regions}"))),
                new Text($"{volume.OpenCount}"),
                new Text(string.Join(' ', volume.Exports)));
        }
        return table;
    }

    /// <summary>Every target, with a mirror's legs and how much of it is in sync.</summary>
    /// <param name="volumes">The volumes.</param>
    /// <param name="maps">The mirrors' regions, in the volumes' order; empty for none.</param>
    /// <param name="seen">What was seen before; null for a single look.</param>
    public static IRenderable Status(
        IReadOnlyList<VolumeInfo> volumes, IReadOnlyList<RegionMapInfo> maps, Seen? seen)
    {
        var rows = new List<IRenderable>();
        int mirrors = 0;
        foreach (VolumeInfo volume in volumes)
        {
            rows.Add(new Columns(
                new Text(volume.Name, new Style(decoration: Decoration.Bold)),
                new Text(ByteSize.Format(volume.LengthSectors << Sectors.Shift)),
                State(volume),
                new Text($"event {volume.EventNumber}"))
            {
                Expand = false,
            });
            foreach (string line in volume.Status.Where(line => !StatusWords.IsMirror(line)))
                rows.Add(new Text($"  {line}"));
            foreach (MirrorInfo mirror in volume.Mirrors)
                rows.AddRange(MirrorView.Of(volume, mirror, maps.ElementAtOrDefault(mirrors++), seen));
            if (volume.Scrub is { } scrub)
                rows.AddRange(MirrorView.Of(scrub));
        }
        return new Rows(rows);
    }

    public static Table New(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (string column in columns)
            table.AddColumn(new TableColumn(column) { NoWrap = true });
        return table;
    }

    private static Text State(VolumeInfo volume) =>
        volume.Suspended ? new Text("suspended", Color.Yellow)
        : new Text(volume.ReadOnly ? "active, read-only" : "active", Color.Green);

    private static Paragraph Health(IEnumerable<LegInfo> legs)
    {
        var letters = new Paragraph();
        foreach (LegInfo leg in legs)
            letters.Append($"{leg.Health}", MirrorView.Meaning(leg.Health).Color);
        return letters;
    }
}
