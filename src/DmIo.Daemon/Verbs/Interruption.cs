using DmIo.Linux;

namespace DmIo.Daemon.Verbs;

/// <summary>
/// The end of what goes on until Ctrl-C: by the signal, as of journalctl -f or dmsetup wait, so that a shell sees 130 and a
/// script stops there.
/// </summary>
internal static class Interruption
{
    /// <summary>Ends the process; what it had to put in order is in order.</summary>
    public static Task EndAsync()
    {
        _ = Libc.Kill(Environment.ProcessId, LinuxConstants.SIGINT);
        // The runtime takes the signal on a thread of its own.
        return Task.Delay(Timeout.Infinite);
    }
}
