using System.Diagnostics;
using System.Text.RegularExpressions;
using DmIo.SideBySide.Servers;

namespace DmIo.SideBySide.Output;

/// <summary>The versions of all programs taking part.</summary>
internal static partial class Versions
{
    public static string Of(string program)
    {
        string flag = program.EndsWith("nbd-server", StringComparison.Ordinal) ? "-V" : "--version";
        Match match = Number().Match(Tool.Run(program, [flag], tolerant: true));
        return match.Success ? match.Value : "unknown";
    }

    /// <summary>Ours, from the assembly beside the program: it is not asked, it is looked at.</summary>
    public static string OfAssembly(string program)
    {
        string assembly = program + ".dll";
        return File.Exists(assembly) ? FileVersionInfo.GetVersionInfo(assembly).ProductVersion ?? "unknown" : "unknown";
    }

    [GeneratedRegex(@"\d+(\.\d+)+")]
    private static partial Regex Number();
}
