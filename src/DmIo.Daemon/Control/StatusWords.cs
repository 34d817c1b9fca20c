using System.Globalization;
using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>Reads what a mirror's status line says (dm-semantics B.2).</summary>
internal static class StatusWords
{
    /// <summary>Whether the line is a mirror's.</summary>
    public static bool IsMirror(string line) => TableWords.Split(line) is [_, _, "mirror", ..];

    /// <summary>The mirror; null when the line is another target's.</summary>
    /// <param name="line">The status line.</param>
    /// <param name="facts">What is known of the legs of all mirrors of the device.</param>
    public static MirrorInfo? Mirror(string line, IReadOnlyList<LegFacts> facts)
    {
        string[] words = [.. TableWords.Split(line)];
        if (words is not [var start, var length, "mirror", var count, .. var rest])
            return null;
        int legs = int.Parse(count, CultureInfo.InvariantCulture);
        string[] regions = rest[legs].Split('/');
        // A count of words stands before the letters, and before the log's words.
        string health = rest[legs + 2];
        long begin = Number(start);
        bool isDisk = rest[legs + 4] == "disk";
        return new MirrorInfo(
            begin, Number(length), Number(regions[0]), Number(regions[1]),
            [.. facts.Where(f => f.MirrorBegin.Count == begin && f.Index < legs).Select(f => Leg(rest[f.Index], health[f.Index], f))],
            isDisk ? new LogInfo(rest[legs + 5], rest[legs + 6][0]) : null);
    }

    private static LegInfo Leg(string device, char health, LegFacts facts) => new()
    {
        Leg = facts.Index,
        Device = device,
        Health = health,
        InSet = facts.IsInSet,
        Present = facts.IsPresent,
        FailedByHand = facts.IsFailedByHand,
        LackedRegions = facts.LackedRegions,
        LastFailure = facts.LastFailure is { } trouble ? LegTroubleInfo.Of(trouble) : null,
        Reads = LegTrafficInfo.Of(facts.Reads),
        Writes = LegTrafficInfo.Of(facts.Writes),
    };

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
