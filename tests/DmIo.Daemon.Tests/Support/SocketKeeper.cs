using System.Diagnostics;
using System.Text.RegularExpressions;

namespace DmIo.Daemon.Tests;

/// <summary>
/// A small service manager: it keeps sockets, starts the daemon with them as systemd does, and starts it again whenever it
/// has ended. Its log is the daemons'.
/// </summary>
public sealed partial class SocketKeeper : IDisposable
{
    // Arguments: the sockets, each KIND:ADDRESS or KIND:ADDRESS=NAME, then --, then the daemon's command line.
    private const string Script = """
        import os, signal, socket, sys
        split = sys.argv.index("--")
        kept, names = [], []
        for word in sys.argv[1:split]:
            word, _, name = word.partition("=")
            kind, _, address = word.partition(":")
            names.append(name)
            if kind == "file":
                kept.append(open(address, "w"))
                continue
            family = {"unix": socket.AF_UNIX, "mute": socket.AF_UNIX, "tcp": socket.AF_INET}.get(kind, socket.AF_INET6)
            s = socket.socket(family, socket.SOCK_DGRAM if kind == "udp6" else socket.SOCK_STREAM)
            s.bind(address if family == socket.AF_UNIX else (address, 0))
            if kind not in ("mute", "udp6"):
                s.listen()
            kept.append(s)
        child, stopping = 0, False
        def stop(*_):
            global stopping
            stopping = True
            os.kill(child, signal.SIGTERM)
        while True:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            child = os.fork()
            if child == 0:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
                # First out of each other's way.
                high = [os.dup(s.fileno()) for s in kept]
                high = [os.dup2(fd, 100 + i, inheritable=False) for i, fd in enumerate(high)]
                for i, fd in enumerate(high):
                    os.dup2(fd, 3 + i)
                os.closerange(3 + len(kept), 100)
                os.environ["LISTEN_FDS"] = str(len(kept))
                os.environ["LISTEN_PID"] = str(os.getpid())
                if any(names):
                    os.environ["LISTEN_FDNAMES"] = ":".join(names)
                os.execv(sys.argv[split + 1], sys.argv[split + 1:])
            signal.signal(signal.SIGTERM, stop)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            print("daemon", child, flush=True)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print("ended", status, flush=True)
            if stopping or status != 0:
                sys.exit(status & 255)
        """;

    private SocketKeeper(DaemonProcess process) => Process = process;

    /// <summary>The keeper; its log is that of all its daemons.</summary>
    public DaemonProcess Process { get; }

    public string Log => Process.Log;

    /// <summary>The daemon that was started last.</summary>
    public int DaemonId => int.Parse(Started().Matches(Process.Output)[^1].Groups[1].Value);

    /// <summary>How many daemons have ended.</summary>
    public int Ended => Process.Output.Split("ended ").Length - 1;

    /// <summary>How often a daemon said that it serves.</summary>
    public int Serving => Log.Split("serving 1 export(s)").Length - 1;

    /// <summary>Starts the daemon with sockets, each KIND:ADDRESS or KIND:ADDRESS=NAME.</summary>
    public static SocketKeeper Start(string[] sockets, params string[] arguments) => new(DaemonProcess.Launch(
        new ProcessStartInfo(
            "/usr/bin/python3", ["-c", Script, .. sockets, "--", BuiltProgram.Path, "serve", .. arguments])));

    /// <summary>Ends the daemon with a signal and waits until the next one serves.</summary>
    public void Restart()
    {
        int served = Serving;
        Tool.Run("kill", "-TERM", $"{DaemonId}").MustSucceed();
        Deadline.WaitFor(() => Serving > served || Process.HasExited, "the next daemon serves");
    }

    /// <summary>Ends the daemon and the keeper; the daemon's exit status.</summary>
    public int Stop() => Process.Stop();

    public void Dispose()
    {
        // The daemon does not end with its keeper.
        if (!Process.HasExited)
            Process.Stop();
        Process.Dispose();
    }

    [GeneratedRegex(@"^daemon (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Started();
}
