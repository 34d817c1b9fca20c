using System.Globalization;
using DmIo.Linux;

namespace DmIo.Daemon.Hosting;

/// <summary>A process and all that it has started: a shell passes no signal on to what it waits for.</summary>
internal static class ProcessTree
{
    /// <summary>Sends a signal to a process and to those beneath it, as far as they are there.</summary>
    public static void Signal(int process, int signal)
    {
        // All are looked for before the first one ends. A shell first: without what it waits for it would go on.
        var all = new List<int> { process };
        for (int i = 0; i < all.Count; i++)
            all.AddRange(ChildrenOf(all[i]));
        foreach (int each in all)
            _ = Libc.Kill(each, signal);
    }

    /// <summary>Whether a terminal sends its signals (Ctrl-C) to a process.</summary>
    public static bool IsOfForeground(int process)
    {
        var stat = ProcessStat.Read(process);
        return stat.Group == stat.ForegroundGroup;
    }

    private static List<int> ChildrenOf(int process)
    {
        var children = new List<int>();
        try
        {
            foreach (string task in Directory.GetDirectories($"/proc/{process}/task"))
            {
                string[] ids = File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
                children.AddRange(ids.Select(id => int.Parse(id, CultureInfo.InvariantCulture)));
            }
        }
        catch (IOException)
        {
            // It has ended meanwhile.
        }
        return children;
    }
}
