using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace DmIo.SideBySide.Native;

/// <summary>Which cores this program may use, and pinning of threads to them.</summary>
internal static unsafe class Cores
{
    private const int MaskBytes = 128; // 1024 cores, as the kernel's own cpu_set_t.

    /// <summary>The cores this program was started with, ascending.</summary>
    public static IReadOnlyList<int> Allowed { get; } = ReadAllowed();

    /// <summary>The client's core: the last, since interrupts tend to gather on the first.</summary>
    public static int Client => Allowed[^1];

    /// <summary>The core of a server that is pinned away from the client.</summary>
    public static int Other => Allowed[0];

    /// <summary>Pins the calling thread.</summary>
    public static void PinThread(int core)
    {
        if (!TryPin(0, [core]))
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"cannot pin the client to core {core}");
        }
    }

    /// <summary>Pins every thread of every given process; threads that end meanwhile are passed over.</summary>
    public static void PinProcesses(IEnumerable<int> processes, IReadOnlyList<int> cores)
    {
        foreach (int process in processes)
        {
            string tasks = $"/proc/{process}/task";
            if (!Directory.Exists(tasks))
            {
                continue;
            }

            foreach (string task in Directory.GetDirectories(tasks))
            {
                _ = TryPin(int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture), cores);
            }
        }
    }

    private static bool TryPin(int thread, IReadOnlyList<int> cores)
    {
        byte* mask = stackalloc byte[MaskBytes];
        new Span<byte>(mask, MaskBytes).Clear();
        foreach (int core in cores)
        {
            mask[core / 8] |= (byte)(1 << (core % 8));
        }

        return Libc.sched_setaffinity(thread, MaskBytes, mask) == 0;
    }

    private static List<int> ReadAllowed()
    {
        byte* mask = stackalloc byte[MaskBytes];
        new Span<byte>(mask, MaskBytes).Clear();
        if (Libc.sched_getaffinity(0, MaskBytes, mask) < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "sched_getaffinity");
        }

        List<int> cores = [];
        for (int core = 0; core < MaskBytes * 8; core++)
        {
            if ((mask[core / 8] & (1 << (core % 8))) != 0)
            {
                cores.Add(core);
            }
        }

        return cores;
    }
}
