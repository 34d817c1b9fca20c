using DmIo.Nbd;
using Microsoft.Extensions.Logging;

namespace DmIo.Daemon.Configuration;

/// <summary>Everything that a run of the daemon is told, whichever way it was told.</summary>
internal sealed record ServeConfiguration
{
    /// <summary>Relative paths in tables and exports start here.</summary>
    public string BaseDirectory { get; init; } = Environment.CurrentDirectory;

    public IReadOnlyList<ListenerConfiguration> Listeners { get; init; } = [];

    /// <summary>Whether it is a mistake that there is no listener.</summary>
    public bool NeedsListeners { get; init; } = true;

    /// <summary>The one client is on standard input.</summary>
    public bool OverStdio { get; init; }

    /// <summary>A shell command to serve, and to end with; null for none.</summary>
    public string? Command { get; init; }

    public IReadOnlyList<DeviceConfiguration> Devices { get; init; } = [];

    public IReadOnlyList<ExportConfiguration> Exports { get; init; } = [];

    /// <summary>Files to make before the devices are opened.</summary>
    public IReadOnlyList<NewLeg> NewLegs { get; init; } = [];

    /// <summary>Directories of the daemon's own that it makes when they are missing.</summary>
    public IReadOnlyList<string> OwnDirectories { get; init; } = [];

    /// <summary>Where mirrors keep their state.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Where the configuration names the state directory.</summary>
    public string StateDirectoryPlace { get; init; } = "--state-dir";

    /// <summary>Where the daemon is controlled.</summary>
    public ControlConfiguration Control { get; init; } = ControlConfiguration.Default;

    /// <summary>What whoever asks can do about a file that does not exist, for mistakes.</summary>
    public string HowToCreate { get; init; } = LegFile.ByCreate;

    /// <summary>What else they can do about a leg that cannot be had, for mistakes; empty when nothing.</summary>
    public string WithoutLeg { get; init; } = LegFile.WithoutIt;

    public LoopBackend Backend { get; init; } = LoopBackend.Auto;

    /// <summary>Whether it stays in memory, so that this machine's swap may lie on a volume.</summary>
    public bool LockMemory { get; init; }

    /// <summary>What is logged; null when nobody said so.</summary>
    public LogLevel? AskedLogLevel { get; init; }

    /// <summary>What is logged: where someone else speaks to people, only what is wrong.</summary>
    public LogLevel LogLevel =>
        AskedLogLevel ?? (OverStdio || Command is not null ? LogLevel.Warning : LogLevel.Information);

    /// <summary>How it speaks TLS.</summary>
    public TlsConfiguration Tls { get; init; } = new();

    /// <summary>Who may connect.</summary>
    public AllowConfiguration Allow { get; init; } = new();

    public NbdLimits Limits { get; init; } = new();

    /// <summary>The absolute path that an argument of a table or an export stands for.</summary>
    public string Resolve(string path) => Path.GetFullPath(path, BaseDirectory);
}
