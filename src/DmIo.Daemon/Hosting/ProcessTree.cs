using System.Globalization;
using System.Runtime.InteropServices;

namespace DmIo.Daemon.Hosting;

/// <summary>A process and all that it has started: a shell passes no signal on to what it waits for.</summary>
internal static partial class ProcessTree
{
    public const int SIGKILL = 9;
    public const int SIGTERM = 15;

    /// <summary>Sends a signal to a process and to those beneath it, as far as they are there.</summary>
    public static void Signal(int process, int signal)
    {
        // All are looked for before the first one ends. A shell first: without what it waits for it would go on.
        var all = new List<int> { process };
        for (int i = 0; i < all.Count; i++)
            all.AddRange(ChildrenOf(all[i]));
        foreach (int each in all)
            _ = Kill(each, signal);
    }

    /// <summary>Whether a terminal sends its signals (Ctrl-C) to a process.</summary>
    public static bool IsOfForeground(int process)
    {
        // proc(5): behind the name in parentheses come state, parent, group, session, terminal, and its foreground group.
        string stat = File.ReadAllText($"/proc/{process}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[2] == fields[5];
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

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
