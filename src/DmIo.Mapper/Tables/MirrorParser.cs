using System.Numerics;

namespace DmIo.Mapper;

/// <summary>The arguments of a mirror line (dm-semantics B.1), in the kernel's words where they are wrong.</summary>
internal static class MirrorParser
{
    private const string NoLog = "Error creating mirror dirty log: ";
    private const string CoreForm = "'core 1 REGION_SIZE' or 'core 2 REGION_SIZE sync|nosync'";
    private const string DiskForm = "'disk 2 LOG_DEVICE REGION_SIZE' or 'disk 3 LOG_DEVICE REGION_SIZE sync|nosync'";
    private const string LogForm = "write " + CoreForm + ", or with a log device " + DiskForm;

    public static MirrorSpec? Parse(TableArguments arguments, Sectors length)
    {
        if (!TryParseLog(arguments, length, out Sectors regionSize, out MirrorSync sync, out string? logDevice))
            return null;
        if (!arguments.TryTakeCount(
            $"Invalid number of mirrors; name from {MirrorSpec.MinLegs} to {MirrorSpec.MaxLegs} legs",
            MirrorSpec.MinLegs, MirrorSpec.MaxLegs, out int count))
        {
            return null;
        }
        if (arguments.Left < count * 2)
        {
            arguments.Fail("", $"Too few mirror arguments; {count} legs take {count} times 'DEVICE OFFSET'");
            return null;
        }
        var legs = new DeviceArgument[count];
        for (int i = 0; i < count; i++)
        {
            arguments.TryTake(out string device);
            arguments.TryTakeSectors(
                $"Invalid offset; where leg {i} begins on its device is a number of 512-byte sectors",
                out Sectors offset);
            legs[i] = new DeviceArgument(device, offset);
        }
        MirrorFeatures features = ParseFeatures(arguments);
        return arguments.Failed ? null : new MirrorSpec(legs, regionSize, sync, features, logDevice);
    }

    private static bool TryParseLog(
        TableArguments arguments, Sectors length, out Sectors regionSize, out MirrorSync sync, out string? logDevice)
    {
        logDevice = null;
        regionSize = Sectors.Zero;
        sync = MirrorSync.Unsaid;
        if (!arguments.TryTake(out string type) || arguments.Left == 0)
            return arguments.Fail(type, "Insufficient mirror log arguments; " + LogForm);
        if (type is not ("core" or "disk"))
            return arguments.Fail(type, $"{NoLog}Module for logging type \"{type}\" not found; {LogForm}");
        if (!arguments.TryTakeCount("Invalid mirror log argument count; " + LogForm, 0, int.MaxValue, out int count))
            return false;
        bool isDisk = type == "disk";
        if (isDisk && count is not (2 or 3))
        {
            return arguments.Fail(
                $"{count}", $"{NoLog}wrong number of arguments to disk dirty region log; write {DiskForm}");
        }
        if (!isDisk && count is not (1 or 2))
        {
            return arguments.Fail(
                $"{count}", $"{NoLog}wrong number of arguments to dirty region log; write {CoreForm}");
        }
        if (arguments.Left < count)
            return arguments.Fail("", "Insufficient mirror log arguments; " + LogForm);
        if (isDisk)
        {
            arguments.TryTake(out logDevice);
            count--;
        }
        TakeRegionSize(arguments, length, out regionSize);
        if (count == 2)
            sync = TakeSync(arguments);
        return true;
    }

    private static void TakeRegionSize(TableArguments arguments, Sectors length, out Sectors regionSize)
    {
        string remedy = $"a power of two from 2 to the line's length ({length}), in 512-byte sectors";
        if (!arguments.TryTakeSectors($"{NoLog}invalid region size; take {remedy}", out regionSize))
            return;
        long size = regionSize.Count;
        if (size < 2 || size > uint.MaxValue || !BitOperations.IsPow2(size) || regionSize > length)
            arguments.Fail($"{size}", $"{NoLog}invalid region size {size}; take {remedy}");
        else if ((length.Count + size - 1) / size >= uint.MaxValue)
            arguments.Fail($"{size}", $"{NoLog}region size {size} gives too many regions; take a larger one");
    }

    private static MirrorSync TakeSync(TableArguments arguments)
    {
        arguments.TryTake(out string word);
        switch (word)
        {
            case "sync":
                return MirrorSync.Sync;
            case "nosync":
                return MirrorSync.NoSync;
            default:
                // What the first kernels called the feature, and where they had it.
                string remedy = word == "block_on_error"
                    ? "write it as the feature '1 handle_errors' behind the legs"
                    : "write sync or nosync";
                arguments.Fail(word, $"{NoLog}unrecognised sync argument to dirty region log: {word}; {remedy}");
                return MirrorSync.Unsaid;
        }
    }

    private static MirrorFeatures ParseFeatures(TableArguments arguments)
    {
        var features = MirrorFeatures.None;
        if (arguments.Left == 0)
            return features;
        if (!arguments.TryTakeCount(
            "Invalid number of features; after the legs comes the number of features, then their names", 0,
            int.MaxValue, out int count))
        {
            return features;
        }
        if (count > arguments.Left)
        {
            arguments.Fail(
                $"{count}",
                $"Not enough arguments to support feature count; name {count} features or correct the number");
            return features;
        }
        for (int i = 0; i < count; i++)
        {
            arguments.TryTake(out string word);
            if (word == "handle_errors")
                features |= MirrorFeatures.HandleErrors;
            else if (word == "keep_log")
                features |= MirrorFeatures.KeepLog;
            else
                arguments.Fail(word, "Unrecognised feature requested; known are handle_errors and keep_log");
        }
        if (features == MirrorFeatures.KeepLog)
        {
            arguments.Fail(
                "keep_log", "keep_log feature requires the handle_errors feature; write '2 handle_errors keep_log'");
        }
        if (arguments.TryTake(out string extra))
            arguments.Fail(extra, "Too many mirror arguments; the line ends after its features");
        return features;
    }
}
