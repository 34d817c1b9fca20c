namespace DmIo.Daemon.Configuration;

/// <summary>How tables and exports name another mapped device of the same configuration: dm:NAME.</summary>
internal static class MappedName
{
    public const string Prefix = "dm:";

    /// <summary>The name behind the prefix; null for a path.</summary>
    public static string? Of(string argument) =>
        argument.StartsWith(Prefix, StringComparison.Ordinal) ? argument[Prefix.Length..] : null;
}
