namespace DmIo.Mapper;

/// <summary>The arguments of an error line: none.</summary>
internal static class ErrorParser
{
    public static ErrorSpec Parse(TableArguments arguments, Sectors length)
    {
        if (arguments.TryTake(out string extra))
            arguments.Fail(extra, "Invalid argument count; the error target takes no arguments");
        return new ErrorSpec();
    }
}
