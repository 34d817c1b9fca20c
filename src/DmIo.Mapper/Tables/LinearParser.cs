namespace DmIo.Mapper;

/// <summary>The arguments of a linear line.</summary>
internal static class LinearParser
{
    public static LinearSpec? Parse(TableArguments arguments, Sectors length)
    {
        if (arguments.Left != 2)
        {
            arguments.Fail("", "Invalid argument count; a linear line ends in 'DEVICE OFFSET'");
            return null;
        }
        return arguments.TryTakePlace(
            "Invalid device sector; the offset on the device is a number of 512-byte sectors", out DeviceArgument leg)
            ? new LinearSpec(leg)
            : null;
    }
}
