using System.CommandLine;
using System.Globalization;
using DmIo.Daemon.Configuration;
using DmIo.Mapper;

namespace DmIo.Daemon.CommandLine;

/// <summary>How a mirror behaves, as the command line says it.</summary>
internal sealed class MirrorArguments(ParseResult parsed, MirrorPolicyOptions options, Mistakes mistakes)
{
    public MirrorOptions Read(int legs)
    {
        var policy = new MirrorOptions();
        return policy with
        {
            CleanAfter = Value(options.CleanAfter, MirrorPolicy.Seconds) ?? policy.CleanAfter,
            RecoveryRateBytes = Value(options.RecoveryRate, MirrorPolicy.Rate) ?? policy.RecoveryRateBytes,
            RecoveryBusyRateBytes = Value(options.RecoveryBusyRate, MirrorPolicy.Rate) ?? policy.RecoveryBusyRateBytes,
            Recovers = !parsed.GetValue(options.NoRecovery),
            PreferredLeg = parsed.GetValue(options.Prefer) is { } text ? Leg(options.Prefer, text, legs) : null,
            WriteMostlyLegs = WriteMostly(legs),
            ReadErrorLimit = Value(options.ReadErrorLimit, MirrorPolicy.ReadErrors) ?? policy.ReadErrorLimit,
            HoldFailedWrites = Value(options.HoldFailedWrites, MirrorPolicy.Seconds) ?? policy.HoldFailedWrites,
            WriteQuorum = Value(options.WriteQuorum, MirrorPolicy.Quorum) ?? policy.WriteQuorum,
            LegDeadline = Value(options.LegDeadline, MirrorPolicy.Seconds) ?? policy.LegDeadline,
            WhenUnrecorded = parsed.GetValue(options.WhenUnrecorded) is { } word
                ? Words.Unrecorded(options.WhenUnrecorded.Name, word, mistakes) : policy.WhenUnrecorded,
        };
    }

    /// <summary>A leg by its number; null, and a mistake, when there is none of that number.</summary>
    public int? Leg(Option option, string text, int legs)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int leg) && leg < legs)
            return leg;
        mistakes.Add(option.Name, $"'{text}' is no leg of this mirror; legs are counted from 0 to {legs - 1}");
        return null;
    }

    private T? Value<T>(Option<string> option, Func<string, string, Mistakes, T?> parse)
        where T : struct => parsed.GetValue(option) is { } text ? parse(option.Name, text, mistakes) : null;

    private ulong WriteMostly(int legs)
    {
        ulong bits = 0;
        foreach (string text in parsed.GetValue(options.WriteMostly) ?? [])
        {
            if (Leg(options.WriteMostly, text, legs) is { } leg)
                bits |= 1UL << leg;
        }
        return bits;
    }
}
