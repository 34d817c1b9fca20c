using DmIo.Daemon.Control;
using Spectre.Console;

namespace DmIo.Daemon.Verbs;

/// <summary>Shows people how far something is that takes long, while it is under way.</summary>
internal static class SyncProgress
{
    // Often enough for a bar that moves.
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(0.5);

    /// <summary>How many bytes of a mirror are in sync.</summary>
    public static (long Done, long Total) Sync(VolumeInfo volume) => (
        volume.Mirrors.Sum(m => (long)((Int128)m.LengthSectors * m.RegionsInSync / m.Regions)) << Sectors.Shift,
        volume.Mirrors.Sum(m => m.LengthSectors) << Sectors.Shift);

    /// <summary>How many bytes a check or repair has done.</summary>
    public static (long Done, long Total) Scrub(VolumeInfo volume) => volume.Scrub is { Running: true } scrub
        ? (scrub.DoneSectors << Sectors.Shift, scrub.TotalSectors << Sectors.Shift)
        : (0, 0);

    /// <summary>Ends when the operation does; its failure is the caller's.</summary>
    public static async Task ShowAsync(
        VerbContext context, string volume, Task operation, Func<VolumeInfo, (long Done, long Total)> measure)
    {
        if (!context.IsForPeople)
            return;
        await VerbContext.Terminal.Progress()
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn(),
                new RemainingTimeColumn())
            .StartAsync(progress => FollowAsync(context, volume, operation, progress.AddTask(volume), measure));
    }

    private static async Task FollowAsync(
        VerbContext context, string volume, Task operation, ProgressTask bar,
        Func<VolumeInfo, (long Done, long Total)> measure)
    {
        using var timer = new PeriodicTimer(s_interval);
        Task<bool> tick = Task.FromResult(true);
        while (await Task.WhenAny(operation, tick) != operation)
        {
            (long done, long total) =
                measure(await context.Client.GetAsync(SeeingVerbs.PathOf(volume), ControlJson.Default.VolumeInfo));
            if (total > 0)
                (bar.MaxValue, bar.Value) = (total, done);
            tick = timer.WaitForNextTickAsync().AsTask();
        }
        if (operation.IsCompletedSuccessfully)
            bar.Value = bar.MaxValue;
    }
}
