using System.Globalization;

namespace DmIo.Daemon.Hosting;

/// <summary>What /proc/PID/stat tells of a process (proc(5)).</summary>
/// <param name="Group">Its process group.</param>
/// <param name="Terminal">The device number of its controlling terminal; 0 when it has none.</param>
/// <param name="ForegroundGroup">The group that the terminal sends its signals to.</param>
internal readonly record struct ProcessStat(int Group, int Terminal, int ForegroundGroup)
{
    /// <summary>Asks the kernel.</summary>
    public static ProcessStat Read(int process)
    {
        string stat = File.ReadAllText($"/proc/{process}/stat");
        // Behind the name in parentheses, which may hold anything: state, parent, group, session, terminal, foreground group.
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        int Number(int field) => int.Parse(fields[field], CultureInfo.InvariantCulture);
        return new ProcessStat(Number(2), Number(4), Number(5));
    }
}
