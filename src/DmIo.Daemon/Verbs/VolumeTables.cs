using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DmIo.Daemon.Verbs;

/// <summary>Volumes as people look at them.</summary>
internal static class VolumeTables
{
    // Wide enough to see a percent, narrow enough for a terminal of 80 columns.
    private const int BarWidth = 40;

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
                new Text(InSync(volume)),
                new Text($"{volume.OpenCount}"),
                new Text(string.Join(' ', volume.Exports)));
        }
        return table;
    }

    /// <summary>Every target, with a mirror's legs and how much of it is in sync.</summary>
    public static IRenderable Status(IReadOnlyList<VolumeInfo> volumes, RecoveryRates? rates)
    {
        var rows = new List<IRenderable>();
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
            foreach (string line in volume.Status.Where(line => StatusWords.Mirror(line) is null))
                rows.Add(new Text($"  {line}"));
            foreach (MirrorInfo mirror in volume.Mirrors)
                rows.AddRange(Mirror(volume, mirror, rates));
        }
        return new Rows(rows);
    }

    /// <summary>A letter of health with its meaning and colour.</summary>
    public static (string Word, Color Color) Meaning(char health) => health switch
    {
        'A' => ("alive", Color.Green),
        'D' => ("lacks writes", Color.Red),
        'S' => ("out of sync", Color.Red),
        'R' => ("read errors", Color.Yellow),
        'F' => ("flush failed", Color.Red),
        _ => ("unknown", Color.Yellow),
    };

    public static Table New(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (string column in columns)
            table.AddColumn(new TableColumn(column) { NoWrap = true });
        return table;
    }

    private static IEnumerable<IRenderable> Mirror(VolumeInfo volume, MirrorInfo mirror, RecoveryRates? rates)
    {
        Table table = New("leg", "device", "health");
        foreach (LegInfo leg in mirror.Legs)
        {
            (string word, Color color) = Meaning(leg.Health);
            table.AddRow(new Text($"{leg.Leg}"), new Text(leg.Device), new Text($"{leg.Health} {word}", color));
        }
        if (mirror.Log is { } log)
        {
            (string word, Color color) = log.Health == 'D' ? ("dead", Color.Red) : Meaning(log.Health);
            table.AddRow(new Text("log"), new Text(log.Device), new Text($"{log.Health} {word}", color));
        }
        yield return table;
        bool whole = mirror.RegionsInSync == mirror.Regions;
        var bar = new BreakdownChart { Width = BarWidth, ShowTags = false };
        bar.AddItem("in sync", mirror.RegionsInSync, whole ? Color.Green : Color.Blue);
        if (!whole)
            bar.AddItem("left", mirror.Regions - mirror.RegionsInSync, Color.Grey);
        yield return bar;
        string rate = rates?.Of(volume.Name, mirror) ?? "";
        yield return new Text($"in sync {mirror.RegionsInSync}/{mirror.Regions} regions, {Percent(mirror)}%{rate}");
    }

    private static Text State(VolumeInfo volume) =>
        volume.Suspended ? new Text("suspended", Color.Yellow)
        : new Text(volume.ReadOnly ? "active, read-only" : "active", Color.Green);

    private static Paragraph Health(IEnumerable<LegInfo> legs)
    {
        var letters = new Paragraph();
        foreach (LegInfo leg in legs)
            letters.Append($"{leg.Health}", Meaning(leg.Health).Color);
        return letters;
    }

    private static string InSync(VolumeInfo volume) =>
        string.Join(' ', volume.Mirrors.Select(m => $"{m.RegionsInSync}/{m.Regions}"));

    // Rounded down: 100 is everything.
    private static long Percent(MirrorInfo mirror) => mirror.RegionsInSync * 100 / mirror.Regions;
}
