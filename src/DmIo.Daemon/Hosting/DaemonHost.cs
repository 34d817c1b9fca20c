using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Serilog;
using Serilog.Core;

namespace DmIo.Daemon.Hosting;

/// <summary>The process around the volumes: logging, signals, the generic host.</summary>
internal static class DaemonHost
{
    /// <summary>What a stop may take, all in all; whoever sent SIGTERM is promised this.</summary>
    public static readonly TimeSpan StopBound = TimeSpan.FromSeconds(10);

    /// <summary>Serves until told to stop; the result is the process's exit status.</summary>
    /// <param name="configuration">What to serve.</param>
    /// <param name="reload">What SIGHUP reads again.</param>
    public static async Task<int> RunAsync(CheckedConfiguration configuration, ReloadSource reload)
    {
        try
        {
            // Before anything is written where a client may listen.
            using IErrand? errand = ErrandOf(configuration.Source);
            return await RunAsync(errand?.Prepare(configuration) ?? configuration, reload, errand);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Success;
        }
        catch (StartException e)
        {
            string prefix = LogSetup.ErrorPrefix();
            foreach (string sentence in e.Message.Split(Environment.NewLine))
                await Console.Error.WriteLineAsync(prefix + sentence);
            return e.ExitCode;
        }
    }

    private static async Task<int> RunAsync(CheckedConfiguration configuration, ReloadSource reload, IErrand? errand)
    {
        var level = new LoggingLevelSwitch(LogSetup.LevelOf(configuration.Source.LogLevel));
        await using Logger log = LogSetup.Create(level);
        // The empty builder reads no settings file and watches no directory.
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings
        {
            ApplicationName = "dmio-nbd",
            ContentRootPath = "/",
            DisableDefaults = true,
        });
        builder.Logging.AddSerilog(log);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = CommandErrand.EndBound + StopBound);
        builder.Services.AddSingleton(configuration);
        builder.Services.AddSingleton(reload);
        builder.Services.AddSingleton(level);
        builder.Services.AddSingleton<ReloadRequests>();
        builder.Services.AddSingleton<SystemdNotifier>();
        builder.Services.AddSingleton<IHostLifetime, SignalLifetime>();
        if (errand is not null)
            builder.Services.AddSingleton(errand);
        builder.Services.AddHostedService<VolumeService>();
        using IHost host = builder.Build();
        await host.RunAsync();
        return Environment.ExitCode;
    }

    private static IErrand? ErrandOf(ServeConfiguration configuration) => configuration switch
    {
        { OverStdio: true } => new StdioErrand(),
        { Command: { } command } => new CommandErrand(command),
        _ => null,
    };
}
