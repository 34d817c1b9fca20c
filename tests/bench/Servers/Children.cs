using System.Diagnostics;
using DmIo.SideBySide.Native;

namespace DmIo.SideBySide.Servers;

/// <summary>Every process that this program has started and not yet ended, so that none outlives it.</summary>
internal static class Children
{
    private const int PatienceMs = 15_000; // Longer than a server may take to flush and leave.
    private static readonly Lock Gate = new();
    private static readonly HashSet<int> Living = [];
    private static bool closed;

    /// <summary>The program is on its way out, and errors are only its echo.</summary>
    public static bool Closed
    {
        get
        {
            lock (Gate)
            {
                return closed;
            }
        }
    }

    public static Process Start(ProcessStartInfo info)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(closed, typeof(Children));
            Process process = Process.Start(info) ?? throw new InvalidOperationException($"{info.FileName} did not start");
            _ = Living.Add(process.Id);
            return process;
        }
    }

    /// <summary>Adds a process that one of ours has left behind.</summary>
    public static void Adopt(int process)
    {
        lock (Gate)
        {
            _ = Living.Add(process);
        }
    }

    public static void Forget(int process)
    {
        lock (Gate)
        {
            _ = Living.Remove(process);
        }
    }

    /// <summary>Ends a process and what it has forked: politely first, by force when that takes too long.</summary>
    public static void End(int process)
    {
        List<int> members = ProcessTree.Members(process);
        _ = Libc.kill(process, Libc.SIGTERM);
        long deadline = Environment.TickCount64 + PatienceMs;
        while (members.Exists(ProcessTree.Runs) && Environment.TickCount64 < deadline)
        {
            Thread.Sleep(2);
        }

        foreach (int member in members.Where(ProcessTree.Runs))
        {
            _ = Libc.kill(member, Libc.SIGKILL);
        }

        Forget(process);
    }

    /// <summary>Ends all of them and lets none be started any more.</summary>
    public static void EndAll()
    {
        List<int> left;
        lock (Gate)
        {
            closed = true;
            left = [.. Living];
        }

        left.ForEach(End);
    }
}
