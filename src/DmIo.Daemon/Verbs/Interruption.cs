using System.Runtime.InteropServices;

namespace DmIo.Daemon.Verbs;

/// <summary>
/// The end of what goes on until Ctrl-C: by the signal, as of journalctl -f or dmsetup wait, so that a shell sees 130 and a
/// script stops there.
/// </summary>
internal static partial class Interruption
{
    private const int SigInt = 2;

    /// <summary>Ends the process; what it had to put in order is in order.</summary>
    public static Task EndAsync()
    {
        _ = Kill(Environment.ProcessId, SigInt);
        // The runtime takes the signal on a thread of its own.
        return Task.Delay(Timeout.Infinite);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
