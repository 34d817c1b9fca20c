using DmIo.Daemon.Control;
using Spectre.Console;

namespace DmIo.Daemon.Verbs;

/// <summary>Shows how much of a volume is in sync while something that waits for it is under way.</summary>
internal static class SyncProgress
{
    // Often enough for a bar that moves.
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(0.5);

    public static async Task ShowAsync(VerbContext context, string volume, Task operation)
    {
        if (context.IsForPeople)
            await VerbContext.Terminal.Progress()
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .StartAsync(progress => FollowAsync(context, volume, operation, progress.AddTask(volume)));
        await operation;
    }

    private static async Task FollowAsync(VerbContext context, string volume, Task operation, ProgressTask bar)
    {
        using var timer = new PeriodicTimer(s_interval);
        Task<bool> tick = Task.FromResult(true);
        while (await Task.WhenAny(operation, tick) != operation)
        {
            VolumeInfo now = await context.Client.GetAsync(SeeingVerbs.PathOf(volume), ControlJson.Default.VolumeInfo);
            bar.MaxValue = Math.Max(1, now.Mirrors.Sum(m => m.Regions));
            bar.Value = now.Mirrors.Sum(m => m.RegionsInSync);
            tick = timer.WaitForNextTickAsync().AsTask();
        }
        if (operation.IsCompletedSuccessfully)
            bar.Value = bar.MaxValue;
    }
}
