using System.CommandLine;
using DmIo.Daemon.Configuration;
using DmIo.Nbd;

namespace DmIo.Daemon.CommandLine;

/// <summary>The options of serve that say how clients come in, beside addresses.</summary>
internal sealed class TransportOptions
{
    public Option<string> SocketMode { get; } = ServeOptions.Text(
        "--socket-mode", "OCTAL",
        "Mode of the Unix sockets; connecting takes the right to write [default: the umask's, or 0660 with a group]");

    public Option<string> SocketGroup { get; } =
        ServeOptions.Text("--socket-group", "NAME|GID", "Group of the Unix sockets [default: the daemon's own]");

    public Option<bool> Stdio { get; } = ServeOptions.Flag(
        "--stdio", "Serve one client on standard input (a socket, or a pipe with standard output), and end with it");

    public Option<string> Run { get; } = ServeOptions.Text(
        "--run", "COMMAND",
        "Run a shell command with $uri, $unixsocket and $exportname, serve as long as it runs, and end with its status");

    /// <summary>Those that belong to addresses.</summary>
    public IReadOnlyList<Option> OfListeners => [SocketMode, SocketGroup];

    /// <summary>All of them, in the order in which the help shows them.</summary>
    public IReadOnlyList<Option> All => [.. OfListeners, Stdio, Run];

    /// <summary>Who may connect to the Unix sockets of the command line.</summary>
    public UnixSocketAccess? ReadAccess(ParseResult parsed, Mistakes mistakes) => SocketAccess.Read(
        SocketMode.Name, parsed.GetValue(SocketMode), SocketGroup.Name, parsed.GetValue(SocketGroup), mistakes);

    /// <summary>Whether clients come in in another way than by addresses that someone names.</summary>
    public bool AreGiven(ParseResult parsed, PassedSockets passed) =>
        passed.Count > 0 || parsed.GetValue(Stdio) || parsed.GetValue(Run) is not null;

    /// <summary>What a file, options or nothing have said, with the ways in that these options and the process have.</summary>
    /// <param name="configuration">Its listeners were named by someone, or there are none.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="passed">What the process was started with.</param>
    /// <param name="mistakes">Where what does not go together is told.</param>
    public ServeConfiguration Override(
        ServeConfiguration configuration, ParseResult parsed, PassedSockets passed, Mistakes mistakes)
    {
        bool stdio = parsed.GetValue(Stdio);
        string? command = parsed.GetValue(Run);
        if (!stdio && command is null)
            return passed.Count == 0 ? configuration : Passed(configuration, passed, mistakes);
        string option = stdio ? Stdio.Name : Run.Name;
        if (stdio && command is not null)
            mistakes.Add(Run.Name, $"goes not together with {Stdio.Name}; choose one");
        if (passed.Count > 0)
            mistakes.Add(option, $"goes not together with sockets that were passed ({PassedSockets.Variable}); choose one");
        // What a file names is for other starts.
        foreach (ListenerConfiguration listener in configuration.Listeners.Where(l => l.IsOfOptions))
            mistakes.Add(listener.Place, $"goes not together with {option}, which opens nothing else; leave it out");
        if (command is not null && string.IsNullOrWhiteSpace(command))
            mistakes.Add(Run.Name, "the command is empty; name one, such as 'nbdinfo $uri'");
        return configuration with
        {
            Listeners = [],
            NeedsListeners = false,
            OverStdio = stdio,
            Command = command,
            Control = configuration.Control.IsDefault ? ControlConfiguration.None : configuration.Control,
        };
    }

    // Both at once would leave open who is meant to say what is open to whom.
    private static ServeConfiguration Passed(ServeConfiguration configuration, PassedSockets passed, Mistakes mistakes)
    {
        foreach (ListenerConfiguration listener in configuration.Listeners)
        {
            mistakes.Add(
                listener.Place,
                $"{listener.Address}: sockets were passed as well ({PassedSockets.Variable}), and are all that is listened on; "
                + "leave out one or the other");
        }
        return configuration with { Listeners = passed.Open(mistakes) };
    }
}
