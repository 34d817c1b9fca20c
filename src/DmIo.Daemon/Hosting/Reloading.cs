using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;
using Microsoft.Extensions.Logging;
using Serilog.Core;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// Reads the configuration again whenever somebody asks: all that is wrong with it is logged and nothing is changed, or it is
/// made so and what cannot be is logged.
/// </summary>
internal sealed class Reloading(
    RunningVolumes volumes, VolumeChanges changes, ReloadSource source, LoggingLevelSwitch level, SystemdNotifier systemd,
    ILogger log)
{
    /// <summary>Goes on until it is cancelled.</summary>
    public async Task RunAsync(ReloadRequests requests, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await requests.WaitAsync(cancellation);
                systemd.Reloading();
                string status = await ReloadAsync(cancellation);
                systemd.Ready(status);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The daemon stops.
        }
    }

    private async Task<string> ReloadAsync(CancellationToken cancellation)
    {
        try
        {
            return source.File is { } file ? await ReadFileAsync(file, cancellation) : await ReadCertificatesAsync();
        }
#pragma warning disable CA1031 // A mistake of the daemon's in a change must not end what is served.
        catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.ReloadBug(log, e);
            return "the configuration could not be read again";
        }
    }

    private async Task<string> ReadFileAsync(string file, CancellationToken cancellation)
    {
        var mistakes = new Mistakes();
        ServeConfiguration? next = source.Read(mistakes);
        ReloadReport? report = null;
        if (next is not null && mistakes.Count == 0)
        {
            try
            {
                report = await changes.ReloadAsync(next, cancellation);
            }
            catch (ControlException e)
            {
                mistakes.AddLines(e.Message);
            }
        }
        if (report is null)
        {
            foreach (string mistake in mistakes.ToString().Split('\n'))
                Log.ReloadMistake(log, mistake);
            Log.ReloadRefused(log, file);
            return $"{file} has mistakes: everything stays as it was";
        }
        level.MinimumLevel = LogSetup.LevelOf(next!.LogLevel);
        foreach (string sentence in report.Stays)
            Log.ReloadStays(log, sentence);
        foreach (string sentence in report.Failed)
            Log.ReloadFailed(log, sentence);
        string done = report.Done.Count == 0 ? "no device and no export has changed" : string.Join("; ", report.Done);
        Log.Reloaded(log, file, done);
        return volumes.Summary;
    }

    private async Task<string> ReadCertificatesAsync()
    {
        if (volumes.Tls.ForServer is not { } tls)
        {
            Log.NothingToReload(log);
        }
        else
        {
            try
            {
                await volumes.ReadCertificatesAsync();
                Log.CertificatesRead(log, tls.Directory);
            }
            catch (IOException e)
            {
                Log.ReloadFailed(log, $"certificates: {e.Message}; new clients go on with those from before");
            }
        }
        return volumes.Summary;
    }
}
