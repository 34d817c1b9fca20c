using System.Runtime.InteropServices;
using DmIo.Linux;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// Makes the process one that the kernel's memory may depend on, so that swap can lie on a volume that it serves to its own
/// kernel: when memory is short, it neither waits for pages of its own to come back nor for others to be written, both of
/// which would be requests to itself.
/// </summary>
internal static unsafe partial class LockedMemory
{
    private const string CapabilityRemedy =
        "run it as root with CAP_SYS_RESOURCE (a unit: CapabilityBoundingSet=CAP_SYS_RESOURCE CAP_IPC_LOCK)";

    /// <summary>
    /// Where this process is marked and locked already returns null; else marks it, and starts the program anew in the same
    /// process, which does not return. What cannot be had is told, with the remedy. To be called before anything is opened.
    /// </summary>
    /// <param name="kept">Descriptors that the started program has again.</param>
    public static string? Take(IEnumerable<int> kept)
    {
        // The mark is a thread's, inherited by those that it makes and kept by execve(2). The runtime has made its own long
        // ago; after another start all of them are made by the one that is marked.
        if (!IsMarked)
            return Mark() ?? StartAnew(kept);
        return Lock() ?? ComeLast();
    }

    private static bool IsMarked => PrCtl(LinuxConstants.PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 1;

    private static string? Mark()
    {
        if (PrCtl(LinuxConstants.PR_SET_IO_FLUSHER, 1, 0, 0, 0) < 0)
        {
            Errno errno = Libc.LastErrno;
            return errno == Errno.EINVAL
                ? "the kernel knows no PR_SET_IO_FLUSHER; Linux 5.6 does"
                : "the kernel does not take it for one that serves its own memory "
                    + $"(PR_SET_IO_FLUSHER: {errno}); {CapabilityRemedy}";
        }
        return IsMarked ? null : "the kernel forgets PR_SET_IO_FLUSHER; serve without it";
    }

    private static string StartAnew(IEnumerable<int> kept)
    {
        foreach (int descriptor in kept)
            _ = Libc.FileControl(descriptor, LinuxConstants.F_SETFD, 0);
        byte[] line = File.ReadAllBytes("/proc/self/cmdline");
        int count = line.AsSpan().Count((byte)0);
        fixed (byte* start = line)
        {
            byte** arguments = stackalloc byte*[count + 1];
            byte* at = start;
            for (int i = 0; i < count; i++)
            {
                arguments[i] = at;
                while (*at++ != 0) ;
            }
            arguments[count] = null;
            fixed (byte* program = "/proc/self/exe\0"u8)
                Exec(program, arguments);
        }
        return $"the program cannot be started again: {Libc.Describe(Libc.LastErrno)}";
    }

    private static string? Lock()
    {
        // What is mapped now is brought in at once, code above all, and what comes later when it is touched: stacks and the
        // heap are reserved many times as large as they become.
        bool locked = MLockAll(LinuxConstants.MCL_CURRENT) == 0
            && MLockAll(LinuxConstants.MCL_FUTURE | LinuxConstants.MCL_ONFAULT) == 0;
        return locked ? null
            : $"memory cannot be locked ({Libc.LastErrno}); grant CAP_IPC_LOCK, or raise the limit "
                + "(LimitMEMLOCK=infinity, ulimit -l)";
    }

    private static string? ComeLast()
    {
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", "-1000");
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"it may not be spared when memory runs out (/proc/self/oom_score_adj: {e.Message}); {CapabilityRemedy}";
        }
    }

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int PrCtl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", EntryPoint = "mlockall", SetLastError = true)]
    private static partial int MLockAll(int flags);

    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true)]
    private static partial int Exec(byte* path, byte** arguments);
}
