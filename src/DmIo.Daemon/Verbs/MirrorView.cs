using DmIo.Daemon.Control;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DmIo.Daemon.Verbs;

/// <summary>A mirror as people look at it: its legs, its regions, how far it is.</summary>
internal static class MirrorView
{
    // Wide enough to see a percent or two, narrow enough for a terminal of 80 columns.
    private const int BarWidth = 64;
    private const char Block = '\u2588';
    private const char Shade = '\u2591';

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

    public static IEnumerable<IRenderable> Of(VolumeInfo volume, MirrorInfo mirror, RegionMapInfo? map, Seen? seen)
    {
        yield return Legs(volume, mirror, seen);
        if (map is not null)
            yield return Map(map);
        else
            yield return Bar(mirror.RegionsInSync, mirror.Regions);
        yield return new Text(InSync(volume, mirror, seen));
    }

    /// <summary>A check or repair: what it has found, and how far it is.</summary>
    public static IEnumerable<IRenderable> Of(ScrubInfo scrub)
    {
        string what = scrub.Repair ? "repair" : "check";
        string state = scrub.Running
            ? $", {Seen.Speed(scrub.RateBytes)}, {Seen.Left(scrub.SecondsLeft)}"
            : scrub.DoneSectors == scrub.TotalSectors ? ", complete" : ", interrupted";
        if (scrub.Running)
            yield return Bar(scrub.DoneSectors, scrub.TotalSectors);
        yield return new Text(
            $"{what} {Percent(scrub.DoneSectors, scrub.TotalSectors)}%{state}, {scrub.DifferingSectors} sectors differ",
            scrub.DifferingSectors > 0 ? Color.Red : Color.Default);
    }

    private static Table Legs(VolumeInfo volume, MirrorInfo mirror, Seen? seen)
    {
        Table table = seen is null
            ? VolumeTables.New("leg", "device", "health", "lacks", "read", "written", "errors")
            : VolumeTables.New("leg", "device", "health", "lacks", "reads", "latency", "writes", "latency", "in flight", "errors");
        foreach (LegInfo leg in mirror.Legs)
        {
            (string word, Color color) = Meaning(leg.Health);
            if (leg.FailedByHand)
                word = "failed by hand";
            else if (!leg.Present)
                word = "missing";
            long errors = leg.Reads.Errors + leg.Writes.Errors;
            table.AddRow(
            [
                new Text($"{leg.Leg}"), new Text(leg.Device), new Text($"{leg.Health} {word}", color),
                new Text($"{leg.LackedRegions}", leg.LackedRegions > 0 ? Color.Yellow : Color.Default),
                .. Traffic(volume, mirror, leg, seen),
                new Text($"{errors}", errors > 0 ? Color.Red : Color.Default),
            ]);
        }
        if (mirror.Log is { } log)
        {
            (string word, Color color) = log.Health == 'D' ? ("dead", Color.Red) : Meaning(log.Health);
            table.AddRow(new Text("log"), new Text(log.Device), new Text($"{log.Health} {word}", color));
        }
        return table;
    }

    private static IEnumerable<IRenderable> Traffic(VolumeInfo volume, MirrorInfo mirror, LegInfo leg, Seen? seen)
    {
        if (seen is null)
            return [new Text(Bytes(leg.Reads.Bytes)), new Text(Bytes(leg.Writes.Bytes))];
        string key = $"{volume.Name} {mirror.StartSector} {leg.Leg}";
        return
        [
            new Text(Seen.Speed(seen.RateOf($"{key} reads", leg.Reads.Bytes))), new Text(Latency(leg.Reads)),
            new Text(Seen.Speed(seen.RateOf($"{key} writes", leg.Writes.Bytes))), new Text(Latency(leg.Writes)),
            new Text($"{leg.Reads.InFlight + leg.Writes.InFlight}"),
        ];
    }

    private static string InSync(VolumeInfo volume, MirrorInfo mirror, Seen? seen)
    {
        string text =
            $"in sync {mirror.RegionsInSync}/{mirror.Regions} regions, {Percent(mirror.RegionsInSync, mirror.Regions)}%";
        double rate = seen?.RateOf($"{volume.Name} {mirror.StartSector} sync", mirror.RegionsInSync) ?? 0;
        long left = mirror.Regions - mirror.RegionsInSync;
        if (rate == 0 || left == 0)
            return text;
        double bytes = rate * mirror.LengthSectors / mirror.Regions * Sectors.SizeBytes;
        return $"{text}, {Seen.Speed(bytes)}, {Seen.Left(left / rate)}";
    }

    private static Paragraph Bar(long done, long total)
    {
        // What is not all is not shown as all.
        int filled = total == 0 ? BarWidth : (int)((Int128)BarWidth * done / total);
        return new Paragraph()
            .Append(new string(Block, filled), done == total ? Color.Green : Color.Blue)
            .Append(new string(Shade, BarWidth - filled), Color.Grey);
    }

    private static Paragraph Map(RegionMapInfo map)
    {
        var cells = new Paragraph();
        foreach (string cell in map.Cells)
        {
            cells.Append($"{Block}", cell switch
            {
                "inSync" => Color.Green,
                "dirty" => Color.Yellow,
                "copying" => Color.Blue,
                _ => Color.Red,
            });
        }
        return cells;
    }

    // Rounded down: 100 is everything.
    private static long Percent(long done, long total) => total == 0 ? 100 : (long)((Int128)done * 100 / total);

    private static string Bytes(long bytes) => $"{bytes / (double)(1 << 20):F1} MiB";

    private static string Latency(LegTrafficInfo traffic) => $"{traffic.MeanLatencySeconds * 1e3:F2} ms";
}
