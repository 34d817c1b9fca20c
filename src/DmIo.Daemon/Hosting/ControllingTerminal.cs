using System.Globalization;

namespace DmIo.Daemon.Hosting;

/// <summary>The terminal that the process was started from.</summary>
internal static class ControllingTerminal
{
    // Counted behind the name in parentheses, which may hold anything: state, parent, group, session, terminal (proc(5)).
    private const int Field = 4;

    /// <summary>
    /// Whether there is one. The kernel takes it away from all its processes when it is closed, before it tells them.
    /// </summary>
    public static bool Exists()
    {
        string stat = File.ReadAllText("/proc/self/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return int.Parse(fields[Field], CultureInfo.InvariantCulture) != 0;
    }
}
