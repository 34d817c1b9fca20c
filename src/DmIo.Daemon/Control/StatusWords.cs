using System.Globalization;
using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>Reads what a mirror's status line says (dm-semantics B.2).</summary>
internal static class StatusWords
{
    /// <summary>The mirror; null when the line is another target's.</summary>
    public static MirrorInfo? Mirror(string line)
    {
        string[] words = [.. TableWords.Split(line)];
        if (words is not [var start, var length, "mirror", var count, .. var rest])
            return null;
        int legs = int.Parse(count, CultureInfo.InvariantCulture);
        string[] regions = rest[legs].Split('/');
        // A count of words stands before the letters, and before the log's words.
        string health = rest[legs + 2];
        bool isDisk = rest[legs + 4] == "disk";
        return new MirrorInfo(
            Number(start), Number(length), Number(regions[0]), Number(regions[1]),
            [.. health.Select((letter, leg) => new LegInfo(leg, rest[leg], letter))],
            isDisk ? new LogInfo(rest[legs + 5], rest[legs + 6][0]) : null);
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
