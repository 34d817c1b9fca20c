using System.Text.Json;
using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>How a mirror behaves, as a configuration file says it; what it leaves out keeps the mapper's default.</summary>
internal static class MirrorSection
{
    public static MirrorOptions Read(string file, JsonItem item, Mistakes mistakes)
    {
        var options = new MirrorOptions();
        var reader = new JsonObjectReader(file, item, mistakes);
        options = options with
        {
            CleanAfter = Value(reader, "cleanAfterSeconds", MirrorPolicy.Seconds, mistakes) ?? options.CleanAfter,
            RecoveryRateBytes = Value(reader, "recoveryRate", MirrorPolicy.Rate, mistakes) ?? options.RecoveryRateBytes,
            RecoveryBusyRateBytes =
                Value(reader, "recoveryBusyRate", MirrorPolicy.Rate, mistakes) ?? options.RecoveryBusyRateBytes,
            Recovers = reader.Flag("recovery", otherwise: true),
            PreferredLeg = reader.Number("prefer", 0),
            WriteMostlyLegs = reader.Array("writeMostly").Aggregate(0UL, (bits, leg) => bits | Bit(reader, leg)),
            ReadErrorLimit = Value(reader, "readErrorLimit", MirrorPolicy.ReadErrors, mistakes) ?? options.ReadErrorLimit,
            HoldFailedWrites =
                Value(reader, "holdFailedWritesSeconds", MirrorPolicy.Seconds, mistakes) ?? options.HoldFailedWrites,
            WriteQuorum = Value(reader, "writeQuorum", MirrorPolicy.Quorum, mistakes) ?? options.WriteQuorum,
            LegDeadline = Value(reader, "legDeadlineSeconds", MirrorPolicy.Seconds, mistakes) ?? options.LegDeadline,
            WhenUnrecorded = reader.Take("whenUnrecorded") is { } word && reader.AsText(word) is { } text
                ? Words.Unrecorded(reader.PlaceOf(word), text, mistakes) : options.WhenUnrecorded,
        };
        reader.Finish();
        return options;
    }

    private static T? Value<T>(
        JsonObjectReader reader, string name, Func<string, string, Mistakes, T?> parse, Mistakes mistakes)
        where T : struct
    {
        JsonItem? item = reader.Take(name);
        if (item is null)
            return null;
        if (item.Kind is JsonValueKind.Number or JsonValueKind.String)
            return parse(reader.PlaceOf(item), item.Text, mistakes);
        reader.Add(item, "must be a number");
        return null;
    }

    private static ulong Bit(JsonObjectReader reader, JsonItem item)
    {
        if (item.Kind == JsonValueKind.Number && int.TryParse(item.Text, out int leg) && leg is >= 0 and < MirrorSpec.MaxLegs)
            return 1UL << leg;
        reader.Add(item, $"must be a leg, a whole number counted from 0");
        return 0;
    }
}
