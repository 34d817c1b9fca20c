using DmIo.Daemon.Configuration;
using DmIo.Daemon.Hosting;

namespace DmIo.Daemon.Control;

// A configuration file was read again.
internal sealed partial class VolumeChanges
{
    private const string Replaced = "changed, its clients were let go";

    /// <summary>Lets what is served become as a file says, as far as it can while serving.</summary>
    /// <param name="next">What the file says, read without mistakes.</param>
    /// <param name="cancellation">Gives up between two steps.</param>
    /// <exception cref="ControlException">There are mistakes; nothing was changed.</exception>
    public async Task<ReloadReport> ReloadAsync(ServeConfiguration next, CancellationToken cancellation)
    {
        await _lock.WaitAsync(cancellation);
        try
        {
            var plan = ReloadPlan.Make(volumes, next);
            var mistakes = new Mistakes();
            if (next.Tls.Mode != volumes.Tls.Mode)
                mistakes.Add(next.Tls.Place, "whether there is TLS, and what it is for, cannot change while serving; restart the daemon");
            if (ConfigurationCheck.RunChange(volumes.Current, plan.Target, mistakes) is not { } @checked)
                throw ControlException.Mistake(mistakes.ToString());
            var report = new ReloadReport { Stays = [.. volumes.StaysAsItIs(next)] };
            await ApplyAsync(plan, @checked, report, cancellation);
            await report.TryAsync("limits, allow lists and certificates", null, () => volumes.ChangeAdmissionAsync(next));
            volumes.OrderExports(next.Exports);
            volumes.TakeAsOfFile(next);
            return report;
        }
        finally
        {
            await volumes.CloseUnusedAsync();
            _lock.Release();
        }
    }

    private async Task ApplyAsync(
        ReloadPlan plan, CheckedConfiguration @checked, ReloadReport report, CancellationToken cancellation)
    {
        // At the same time: each may take as long as its clients may.
        await Task.WhenAll(
            [
                .. plan.RemovedExports.Select(e => RemoveAsync(e, "removed")),
                .. plan.MovedExports.Select(m => RemoveAsync(m.Now, null)),
            ]);
        await volumes.CloseUnusedAsync();
        // What stands on others goes first.
        foreach (RunningDevice device in volumes.Devices.Reverse())
        {
            if (plan.RemovedDevices.Any(d => d.Name == device.Name))
                await StepAsync($"device {device.Name}", "removed", () => RemoveUnusedAsync(device));
        }
        // What others stand on comes first.
        foreach (CheckedDevice device in @checked.Devices)
        {
            if (plan.AddedDevices.FirstOrDefault(d => d.Name == device.Source.Name) is { } added)
                await StepAsync($"device {added.Name}", "added", () => AddDeviceAsync(added, device.Table, LegFile.WithoutIt, cancellation));
        }
        foreach ((RunningExport now, ExportConfiguration next) in plan.ReplacedExports)
            await StepAsync($"export {next.Name}", Replaced, () => ReplaceExportAsync(now, next));
        foreach ((_, ExportConfiguration next) in plan.MovedExports)
            await StepAsync($"export {next.Name}", Replaced, () => AddExportAsync(next));
        foreach ((RunningExport now, ExportConfiguration next) in plan.ChangedExports)
        {
            volumes.ChangeExport(now, next);
            report.Done.Add($"export {next.Name} changed");
        }
        foreach (ExportConfiguration export in plan.AddedExports)
            await StepAsync($"export {export.Name}", "added", () => AddExportAsync(export));

        Task RemoveAsync(RunningExport export, string? done) =>
            report.TryAsync($"export {export.Source.Name}", done, () => volumes.RemoveExportAsync(export));

        Task StepAsync(string what, string done, Func<Task> step)
        {
            cancellation.ThrowIfCancellationRequested();
            return report.TryAsync(what, done, step);
        }
    }

    private async Task ReplaceExportAsync(RunningExport now, ExportConfiguration next)
    {
        ServeConfiguration current = volumes.Current;
        ServeConfiguration after =
            current with { Exports = [.. current.Exports.Select(e => e.Name == next.Name ? next : e)] };
        int loop = await volumes.PrepareAsync(after, next.Name, [next.Device], home: null);
        await volumes.RemoveExportAsync(now);
        volumes.AddExport(next, loop);
    }
}
