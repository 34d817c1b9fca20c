using System.Globalization;

namespace DmIo.SideBySide.Output;

/// <summary>The machine in one line.</summary>
internal static class Machine
{
    public static string Describe(int cores)
    {
        string processor = Value("/proc/cpuinfo", "model name") ?? "unknown processor";
        double memoryGib = double.Parse(
            (Value("/proc/meminfo", "MemTotal") ?? "0 kB").Split(' ')[0], CultureInfo.InvariantCulture) / (1 << 20);
        string kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        return $"{cores} cores ({processor}), {memoryGib:F1} GiB, Linux {kernel}";
    }

    private static string? Value(string file, string key) =>
        File.ReadLines(file)
            .Where(line => line.StartsWith(key, StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(':') + 1)..].Trim())
            .FirstOrDefault();
}
