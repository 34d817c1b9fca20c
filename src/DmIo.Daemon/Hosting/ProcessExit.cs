using System.Runtime.InteropServices;

namespace DmIo.Daemon.Hosting;

/// <summary>Ends the process without waiting for anyone: no finalizers, no other threads, no handlers.</summary>
internal static partial class ProcessExit
{
    public static void Now(int status) => Exit(status);

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int status);
}
