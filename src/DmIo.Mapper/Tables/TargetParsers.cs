namespace DmIo.Mapper;

/// <summary>The targets that tables know, and who reads their arguments.</summary>
internal static class TargetParsers
{
    private static readonly (string Name, Func<TableArguments, Sectors, TargetSpec?> Parse)[] s_targets =
    [
        ("linear", LinearParser.Parse),
        ("striped", StripedParser.Parse),
        ("mirror", MirrorParser.Parse),
        ("zero", ZeroParser.Parse),
        ("error", ErrorParser.Parse),
        ("delay", DelayParser.Parse),
        ("flakey", FlakeyParser.Parse),
        ("dust", DustParser.Parse),
        ("log-writes", LogWritesParser.Parse),
    ];

    /// <summary>Their names, for people.</summary>
    public static string Known { get; } =
        $"{string.Join(", ", s_targets[..^1].Select(target => target.Name))} and {s_targets[^1].Name}";

    /// <summary>Reads a target's arguments; notes an unknown target.</summary>
    public static TargetSpec? Parse(string name, TableArguments arguments, Sectors length)
    {
        foreach ((string known, Func<TableArguments, Sectors, TargetSpec?> parse) in s_targets)
        {
            if (known == name)
                return parse(arguments, length);
        }
        arguments.Fail(name, $"unknown target type \"{name}\"; known are {Known}");
        return null;
    }
}
