namespace DmIo.Mapper;

/// <summary>The arguments of a zero line: none.</summary>
internal static class ZeroParser
{
    public static ZeroSpec Parse(TableArguments arguments, Sectors length)
    {
        if (arguments.TryTake(out string extra))
            arguments.Fail(extra, "No arguments required; end the line after zero");
        return new ZeroSpec();
    }
}
