using System.CommandLine;
using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.CommandLine;

/// <summary>
/// The options of serve. Values are taken as text and understood later, so that all mistakes are told at once and in
/// the same words as those of a configuration file.
/// </summary>
internal sealed class ServeOptions
{
    public Option<string> Config { get; } = Text("--config", "FILE", "Serve what a JSON file says (see the README)");

    public Option<string[]> Mirror { get; } =
        Texts("--mirror", "LEG", "Serve a mirror of these files or disks", perToken: true);

    public Option<string> Linear { get; } = Text("--linear", "FILE", "Serve a single file or disk");

    public Option<string> Size { get; } =
        Text("--size", "SIZE", "Size of the volume; K M G T are powers of 1024 [default: the smallest leg]");

    public Option<string> Export { get; } = Text("--export", "NAME", "Name of the export [default: vol0]");

    public Option<string[]> Unix { get; } = Texts("--unix", "PATH", "Listen on a Unix socket");

    public Option<string[]> Listen { get; } =
        Texts("--listen", "HOST:PORT", "Listen on TCP; IPv6 addresses in brackets");

    public Option<bool> Create { get; } =
        Flag("--create", "Make legs that do not exist, sparse, of the given size, and the log");

    public Option<string> Log { get; } =
        Text(
            "--log", "FILE",
            "Keep the mirror's dirty log, and the record of what each leg lacks, in this file or disk [default: a state "
            + "file alone]");

    public Option<bool> Direct { get; } = Flag("--direct", "Open the legs with O_DIRECT, past the page cache");

    public Option<bool> ReadOnly { get; } = Flag("--read-only", "Refuse what would change the volume");

    public Option<string> SyncFrom { get; } =
        Text(
            "--sync-from", "LEG",
            "Where legs may differ, and everywhere in a new mirror: copy this leg (0 is the first) to the others");

    public Option<bool> Force { get; } =
        Flag("--force", "With --sync-from: give up what only other legs hold");

    public Option<bool> Degraded { get; } =
        Flag("--degraded", "Serve although legs are missing, as long as the others hold everything");

    public Option<bool> AssumeClean { get; } =
        Flag("--assume-clean", "A new mirror of legs with contents: they are the same already");

    public Option<string> RegionSize { get; } =
        Text("--region-size", "SIZE", "What the mirror tracks and copies at a time: a power of two [default: 512K]");

    public Option<string> StateDirectory { get; } =
        Text(
            "--state-dir", "DIR",
            "Where the mirror's state is kept [default: /var/lib/dmio-nbd, or the user's state directory]");

    public Option<string> Control { get; } =
        Text(
            "--control", "PATH",
            $"The daemon's control socket, or {ControlConfiguration.Off} for none [default: {ControlConfiguration.DefaultPath}]");

    public Option<string> Backend { get; } = Text("--io-backend", "KIND", "auto, io_uring or threads [default: auto]");

    public Option<bool> LockMemory { get; } =
        Flag("--lock-memory", "Stay in memory whatever happens, so that this machine's swap may lie on a volume");

    public Option<string> LogLevel { get; } =
        Text("--log-level", "LEVEL", "trace, debug, information, warning or error [default: information]");

    public Option<bool> CheckConfig { get; } =
        Flag("--check-config", "Tell all mistakes of the configuration and stop, with status 2 if there are any");

    /// <summary>How clients come in, beside addresses.</summary>
    public TransportOptions Transport { get; } = new();

    /// <summary>How a mirror behaves.</summary>
    public MirrorPolicyOptions Policy { get; } = new();

    /// <summary>How it speaks TLS.</summary>
    public TlsOptions Tls { get; } = new();

    /// <summary>Who may connect.</summary>
    public AllowOptions Allow { get; } = new();

    /// <summary>All of them, in the order in which the help shows them.</summary>
    public IReadOnlyList<Option> All =>
    [
        Config, Mirror, Linear, Size, Export, Unix, Listen, .. Transport.All, Create, Direct, ReadOnly, SyncFrom, Force,
        AssumeClean, Degraded, Log, RegionSize, .. Policy.All, .. Tls.All, .. Allow.All, StateDirectory, Control, Backend, LockMemory,
        LogLevel,
        CheckConfig,
    ];

    /// <summary>Those that describe a volume and its listeners, which a configuration file does by itself.</summary>
    public IReadOnlyList<Option> OfVolume =>
    [
        Mirror, Linear, Size, Export, Unix, Listen, .. Transport.OfListeners, Create, Direct, ReadOnly, .. OfMirror,
    ];

    /// <summary>Those that mean nothing without a mirror.</summary>
    public IReadOnlyList<Option> OfMirror =>
        [SyncFrom, Force, AssumeClean, Degraded, Log, RegionSize, .. Policy.All];

    /// <summary>Those that answer, for one start, what a mirror asks.</summary>
    public IReadOnlyList<Option> OfOneStart => [SyncFrom, Force, AssumeClean, Degraded];

    internal static Option<string> Text(string name, string helpName, string description) =>
        new(name) { HelpName = helpName, Description = description };

    internal static Option<string[]> Texts(string name, string helpName, string description, bool perToken = false) =>
        new(name)
        {
            HelpName = helpName,
            Description = description,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = perToken,
        };

    internal static Option<bool> Flag(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.Zero };
}
