using System.Globalization;
using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>The values of a mirror's policy, however they were written.</summary>
internal static class MirrorPolicy
{
    // Arbitrary: nobody waits longer, and any timer takes it.
    private const double MaxSeconds = 86400;

    // What is not told by then has not been limited.
    private const int MaxReadErrors = 1_000_000;

    public static TimeSpan? Seconds(string place, string text, Mistakes mistakes)
    {
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
            && seconds <= MaxSeconds)
        {
            return TimeSpan.FromSeconds(seconds);
        }
        mistakes.Add(place, $"'{text}' is no number of seconds; take one from 0 to {MaxSeconds}, such as 5 or 0.5");
        return null;
    }

    public static long? Rate(string place, string text, Mistakes mistakes)
    {
        if (text == "0")
            return 0;
        if (ByteSize.TryParse(text, out long bytes))
            return bytes;
        mistakes.Add(place, $"'{text}' is no rate; {ByteSize.Remedy}, or 0 for no limit");
        return null;
    }

    public static int? ReadErrors(string place, string text, Mistakes mistakes)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count <= MaxReadErrors)
            return count;
        mistakes.Add(place, $"'{text}' is no number of errors; take a whole one from 0 to {MaxReadErrors}, such as 20");
        return null;
    }

    public static int? Quorum(string place, string text, Mistakes mistakes)
    {
        if (text == "all")
            return 0;
        if (text == "any")
            return 1;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && count is > 0 and <= MirrorSpec.MaxLegs)
        {
            return count;
        }
        mistakes.Add(place, $"'{text}' is no number of legs; take any, all, or a number from 1 to {MirrorSpec.MaxLegs}");
        return null;
    }

    /// <summary>Finds the legs that a policy names and the mirror does not have.</summary>
    public static void CheckLegs(string place, MirrorOptions options, int legs, Mistakes mistakes)
    {
        if (options.WriteQuorum > legs)
        {
            mistakes.Add(
                place, $"a write quorum of {options.WriteQuorum} is more than the mirror's {legs} legs; take any, all, or a number "
                + $"up to {legs}");
        }
        if (options.PreferredLeg >= legs)
            Add(options.PreferredLeg.Value);
        for (int leg = legs; leg < sizeof(ulong) * 8; leg++)
        {
            if ((options.WriteMostlyLegs >> leg & 1) != 0)
                Add(leg);
        }

        void Add(int leg) =>
            mistakes.Add(place, $"mirror: {leg} is no leg; legs are counted from 0 to {legs - 1}");
    }
}
