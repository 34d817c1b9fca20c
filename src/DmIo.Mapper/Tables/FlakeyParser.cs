namespace DmIo.Mapper;

/// <summary>The arguments of a flakey line, in the kernel's words where they are wrong.</summary>
internal static class FlakeyParser
{
    // All features that go together, with their parameters.
    private const int MaxFeatureWords = 11;

    private const string Form = "a flakey line ends in 'DEVICE OFFSET UP_SECONDS DOWN_SECONDS' and perhaps 'COUNT FEATURE...'";

    private const string Known = "known are error_reads, drop_writes, error_writes, 'corrupt_bio_byte NTH r|w VALUE FLAGS', "
        + "'random_read_corrupt PROBABILITY' and 'random_write_corrupt PROBABILITY'";

    public static FlakeySpec? Parse(TableArguments arguments, Sectors length)
    {
        if (arguments.Left < 4)
        {
            arguments.Fail("", "Invalid argument count; " + Form);
            return null;
        }
        if (!arguments.TryTakePlace(
            "Invalid device sector; the offset on the device is a number of 512-byte sectors", out DeviceArgument leg)
            || !arguments.TryTakeNumber(
                "Invalid up interval; it is a number of whole seconds", 0, uint.MaxValue, out long up)
            || !arguments.TryTakeNumber(
                "Invalid down interval; it is a number of whole seconds", 0, uint.MaxValue, out long down))
        {
            return null;
        }
        if (up + down == 0)
            arguments.Fail("0", "Total (up + down) interval is zero; '0 1' is always down");
        if (up + down > uint.MaxValue)
            arguments.Fail($"{down}", $"Interval overflow; together the intervals are at most {uint.MaxValue} seconds");
        FlakeyFeatures? features = ParseFeatures(arguments);
        return features is null || arguments.Failed ? null : new FlakeySpec(leg, (uint)up, (uint)down, features);
    }

    private static FlakeyFeatures? ParseFeatures(TableArguments arguments)
    {
        var features = new FlakeyFeatures();
        if (arguments.Left > 0)
        {
            if (!arguments.TryTakeCount(
                "Invalid number of feature args; behind the intervals comes the number of words that follow, parameters "
                + $"among them, at most {MaxFeatureWords}", 0, MaxFeatureWords, out int count))
            {
                return null;
            }
            if (count != arguments.Left)
            {
                arguments.Fail(
                    $"{count}", $"Invalid number of feature args; {arguments.Left} words follow, parameters count too");
                return null;
            }
        }
        while (arguments.TryTake(out string word))
        {
            if (ParseFeature(arguments, word, features) is not { } more)
                return null;
            features = more;
        }
        CheckConflicts(arguments, features);
        return features == new FlakeyFeatures() ? new FlakeyFeatures { ErrorReads = true, ErrorWrites = true } : features;
    }

    private static FlakeyFeatures? ParseFeature(TableArguments arguments, string word, FlakeyFeatures features)
    {
        string name = word.ToLowerInvariant();
        bool isTwice = name switch
        {
            "error_reads" => features.ErrorReads,
            "drop_writes" => features.DropWrites,
            "error_writes" => features.ErrorWrites,
            "corrupt_bio_byte" => features.CorruptByte is not null,
            "random_read_corrupt" => features.RandomReadCorrupt > 0,
            "random_write_corrupt" => features.RandomWriteCorrupt > 0,
            _ => false,
        };
        if (isTwice)
        {
            arguments.Fail(word, $"Feature {name} duplicated; say it once");
            return null;
        }
        switch (name)
        {
            case "error_reads":
                return features with { ErrorReads = true };
            case "drop_writes" when !features.ErrorWrites:
                return features with { DropWrites = true };
            case "drop_writes":
                arguments.Fail(word, "Feature drop_writes conflicts with feature error_writes; keep one of them");
                return null;
            case "error_writes" when !features.DropWrites:
                return features with { ErrorWrites = true };
            case "error_writes":
                arguments.Fail(word, "Feature error_writes conflicts with feature drop_writes; keep one of them");
                return null;
            case "corrupt_bio_byte":
                return ParseByte(arguments, word) is { } corrupt ? features with { CorruptByte = corrupt } : null;
            case "random_read_corrupt":
                return TryTakeProbability(arguments, word, out uint ofReads)
                    ? features with { RandomReadCorrupt = ofReads }
                    : null;
            case "random_write_corrupt":
                return TryTakeProbability(arguments, word, out uint ofWrites)
                    ? features with { RandomWriteCorrupt = ofWrites }
                    : null;
            default:
                arguments.Fail(word, "Unrecognised flakey feature requested; " + Known);
                return null;
        }
    }

    private static FlakeyByte? ParseByte(TableArguments arguments, string word)
    {
        if (arguments.Left == 0)
        {
            arguments.Fail(word, "Feature corrupt_bio_byte requires parameters; write 'corrupt_bio_byte NTH r|w VALUE FLAGS'");
            return null;
        }
        if (!arguments.TryTakeNumber(
            "Invalid corrupt bio byte; bytes of a request are counted from 1", 1, uint.MaxValue, out long nth))
        {
            return null;
        }
        arguments.TryTake(out string direction);
        if (direction.ToLowerInvariant() is not ("r" or "w"))
        {
            arguments.Fail(direction, "Invalid corrupt bio direction (r or w); reads or writes are corrupted");
            return null;
        }
        return arguments.TryTakeNumber("Invalid corrupt value to write into bio byte (0-255)", 0, 255, out long value)
            && arguments.TryTakeNumber(
                "Invalid corrupt bio flags mask; 0 corrupts all, others only requests with all these bits", 0,
                uint.MaxValue, out long flags)
            ? new FlakeyByte((uint)nth, direction is "w" or "W", (byte)value, (uint)flags)
            : null;
    }

    private static bool TryTakeProbability(TableArguments arguments, string word, out uint probability)
    {
        probability = 0;
        if (arguments.Left == 0)
            return arguments.Fail(word, $"Feature {word.ToLowerInvariant()} requires a parameter; {Range}");
        if (!arguments.TryTakeNumber(
            $"Invalid random corrupt argument; {Range}", 0, FlakeyFeatures.ProbabilityBase, out long number))
        {
            return false;
        }
        probability = (uint)number;
        return true;
    }

    private static string Range => $"it is a number from 0 (never) to {FlakeyFeatures.ProbabilityBase} (always)";

    private static void CheckConflicts(TableArguments arguments, FlakeyFeatures features)
    {
        if (features.CorruptByte is not { OfWrites: true } && features.RandomWriteCorrupt == 0)
            return;
        string? other = features.DropWrites ? "drop_writes" : features.ErrorWrites ? "error_writes" : null;
        if (other is not null)
        {
            arguments.Fail(
                other, $"{other} is incompatible with random_write_corrupt or corrupt_bio_byte with the WRITE flag set; "
                + "there would be nothing to corrupt: leave one of them out");
        }
    }
}
