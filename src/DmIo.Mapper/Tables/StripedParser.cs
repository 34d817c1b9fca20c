namespace DmIo.Mapper;

/// <summary>The arguments of a striped line, in the kernel's words where they are wrong.</summary>
internal static class StripedParser
{
    // Arbitrary: far more disks than one machine has.
    private const int MaxLegs = 1024;

    private const string Form = "a striped line ends in 'COUNT CHUNK_SIZE' and COUNT times 'DEVICE OFFSET'";

    public static StripedSpec? Parse(TableArguments arguments, Sectors length)
    {
        if (arguments.Left < 2)
        {
            arguments.Fail("", "Not enough arguments; " + Form);
            return null;
        }
        if (!arguments.TryTakeCount($"Invalid stripe count; take a number from 1 to {MaxLegs}", 1, MaxLegs, out int count)
            || !arguments.TryTakeNumber(
                "Invalid chunk_size; it is a number of 512-byte sectors from 1 on", 1, uint.MaxValue, out long chunk))
        {
            return null;
        }
        CheckLength(arguments, length.Count, count, chunk);
        if (arguments.Left != count * 2)
        {
            string what = arguments.Left < count * 2 ? "Not enough" : "Too many";
            arguments.Fail("", $"{what} destinations specified; {count} stripes take {count} times 'DEVICE OFFSET'");
            return null;
        }
        var legs = new DeviceArgument[count];
        for (int i = 0; i < count; i++)
        {
            arguments.TryTakePlace(
                $"Couldn't parse stripe destination; where stripe {i} begins on its device is a number of 512-byte sectors",
                out legs[i]);
        }
        return arguments.Failed ? null : new StripedSpec(legs, new Sectors(chunk));
    }

    private static void CheckLength(TableArguments arguments, long length, int count, long chunk)
    {
        string? wrong = length % count != 0 ? "number of stripes" : length / count % chunk != 0 ? "chunk size" : null;
        if (wrong is null)
            return;
        long row = count * chunk;
        string remedy = length < row ? $"{row} is the least" : $"take {length - length % row} or {length - length % row + row}";
        arguments.Fail($"{length}", $"Target length not divisible by {wrong}: {count} chunks of {chunk} sectors; {remedy}");
    }
}
