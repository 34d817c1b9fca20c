using DmIo.Daemon.Control;
using Spectre.Console;

namespace DmIo.Daemon.Verbs;

/// <summary>Shows the status again and again: on a terminal in place, otherwise the lines that have changed.</summary>
internal static class StatusWatch
{
    // Fast enough to look alive, slow enough to read.
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(VerbContext context, string? volume)
    {
        using var timer = new PeriodicTimer(s_interval);
        try
        {
            if (context.IsForPeople)
                await ShowAsync(context, volume, timer);
            else
                await PrintAsync(context, volume, timer);
        }
        catch (OperationCanceledException) when (context.Interrupted.IsCancellationRequested)
        {
            // The terminal has its cursor back by now.
            context.HeedInterruption();
            await Interruption.EndAsync();
        }
    }

    private static async Task ShowAsync(VerbContext context, string? volume, PeriodicTimer timer)
    {
        var seen = new Seen(TimeProvider.System);
        await VerbContext.Terminal.Live(new Text("")).StartAsync(async live =>
        {
            do
            {
                IReadOnlyList<VolumeInfo> volumes = await SeeingVerbs.ReadAsync(context, volume);
                live.UpdateTarget(VolumeTables.Status(volumes, await MapsAsync(context, volumes), seen));
            }
            while (await timer.WaitForNextTickAsync(context.Interrupted));
        });
    }

    private static async Task<IReadOnlyList<RegionMapInfo>> MapsAsync(VerbContext context, IReadOnlyList<VolumeInfo> volumes)
    {
        var maps = new List<RegionMapInfo>();
        foreach (VolumeInfo volume in volumes)
        {
            foreach (MirrorInfo mirror in volume.Mirrors)
            {
                maps.Add(await context.Client.GetAsync(
                    $"{SeeingVerbs.PathOf(volume.Name)}/regions?sector={mirror.StartSector}", ControlJson.Default.RegionMapInfo));
            }
        }
        return maps;
    }

    private static async Task PrintAsync(VerbContext context, string? volume, PeriodicTimer timer)
    {
        string last = "";
        do
        {
            string now = context.Json
                ? await context.Client.GetTextAsync(volume is null ? "volumes" : SeeingVerbs.PathOf(volume))
                : string.Join('\n', (await SeeingVerbs.ReadAsync(context, volume)).SelectMany(
                    v => v.Status.Select(line => volume is null ? $"{v.Name}: {line}" : line)));
            if (now == last)
                continue;
            await VerbContext.Out.WriteLineAsync(now);
            last = now;
        }
        while (await timer.WaitForNextTickAsync(context.Interrupted));
    }
}
