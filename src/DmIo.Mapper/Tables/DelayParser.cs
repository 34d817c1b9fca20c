namespace DmIo.Mapper;

/// <summary>The arguments of a delay line, in the kernel's words where they are wrong.</summary>
internal static class DelayParser
{
    private const int WordsPerPlace = 3;

    public static DelaySpec? Parse(TableArguments arguments, Sectors length)
    {
        if (arguments.Left is not (WordsPerPlace or 2 * WordsPerPlace or 3 * WordsPerPlace))
        {
            arguments.Fail(
                "", "Requires exactly 3, 6 or 9 arguments; a delay line ends in 'DEVICE OFFSET MILLISECONDS', which may be said "
                + "again for writes, and once more for flushes");
            return null;
        }
        DelayPlace? reads = TakePlace(arguments);
        DelayPlace? writes = arguments.Left > 0 ? TakePlace(arguments) : null;
        DelayPlace? flushes = arguments.Left > 0 ? TakePlace(arguments) : null;
        return arguments.Failed ? null : new DelaySpec(reads!, writes, flushes);
    }

    private static DelayPlace? TakePlace(TableArguments arguments)
    {
        bool isGood = arguments.TryTakePlace(
            "Invalid device sector; the offset on the device is a number of 512-byte sectors", out DeviceArgument leg);
        isGood &= arguments.TryTakeNumber(
            "Invalid delay; it is a number of milliseconds", 0, uint.MaxValue, out long delay);
        return isGood ? new DelayPlace(leg, (uint)delay) : null;
    }
}
