namespace DmIo.Mapper;

/// <summary>The arguments of a log-writes line.</summary>
internal static class LogWritesParser
{
    public static LogWritesSpec? Parse(TableArguments arguments, Sectors length)
    {
        if (arguments.Left != 2)
        {
            arguments.Fail("", "Invalid argument count; a log-writes line ends in 'DEVICE LOG_DEVICE'");
            return null;
        }
        arguments.TryTake(out string device);
        arguments.TryTake(out string log);
        return new LogWritesSpec(device, log);
    }
}
