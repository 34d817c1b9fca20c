using System.Globalization;

namespace DmIo.SideBySide.Servers;

/// <summary>Reads /proc for a process and all that it has forked.</summary>
internal static class ProcessTree
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on every Linux that .NET runs on

    /// <summary>The process and its living descendants.</summary>
    public static List<int> Members(int root)
    {
        List<(int Id, int Parent)> all = [];
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                && Fields(id) is { } fields)
            {
                all.Add((id, int.Parse(fields[1], CultureInfo.InvariantCulture)));
            }
        }

        List<int> members = [root];
        for (int i = 0; i < members.Count; i++)
        {
            members.AddRange(all.Where(p => p.Parent == members[i]).Select(p => p.Id));
        }

        return members;
    }

    /// <summary>CPU seconds of the root with its reaped children, and of the other members.</summary>
    public static double CpuSeconds(IReadOnlyList<int> members)
    {
        long ticks = 0;
        for (int i = 0; i < members.Count; i++)
        {
            if (Fields(members[i]) is not { } fields)
            {
                continue;
            }

            // Fields after the name start with the state (field 3): utime is 14, cstime 17.
            int last = i == 0 ? 14 : 12;
            for (int field = 11; field <= last; field++)
            {
                ticks += long.Parse(fields[field], CultureInfo.InvariantCulture);
            }
        }

        return ticks / TicksPerSecond;
    }

    /// <summary>Proportional and resident memory of all members, in KiB.</summary>
    public static (long PssKib, long RssKib) Memory(int root)
    {
        long pss = 0;
        long rss = 0;
        foreach (int member in Members(root))
        {
            foreach (string line in File.ReadLines($"/proc/{member}/smaps_rollup"))
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words[0] == "Pss:")
                {
                    pss += long.Parse(words[1], CultureInfo.InvariantCulture);
                }
                else if (words[0] == "Rss:")
                {
                    rss += long.Parse(words[1], CultureInfo.InvariantCulture);
                }
            }
        }

        return (pss, rss);
    }

    /// <summary>Whether the process is there and not merely waiting to be reaped.</summary>
    public static bool Runs(int process) => Fields(process) is { } fields && fields[0] is not ("Z" or "X");

    private static string[]? Fields(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null; // It ended between the listing and the reading.
        }
    }
}
