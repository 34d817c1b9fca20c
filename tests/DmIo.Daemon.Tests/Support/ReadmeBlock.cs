using System.Text.RegularExpressions;

namespace DmIo.Daemon.Tests;

/// <summary>A fenced block of the README: its language, the word behind it that says what it is for, and its text.</summary>
public sealed partial record ReadmeBlock(string Language, string Kind, string Text)
{
    /// <summary>The blocks of the page, or of one section of it.</summary>
    public static IEnumerable<ReadmeBlock> Read(string? section = null)
    {
        string text = File.ReadAllText(Path.Combine(BuiltProgram.Repository, "README.md"));
        if (section is not null)
        {
            int start = text.IndexOf($"\n## {section}\n", StringComparison.Ordinal);
            text = text[start..text.IndexOf("\n## ", start + 1, StringComparison.Ordinal)];
        }
        foreach (Match match in Fence().Matches(text))
            yield return new(match.Groups[1].Value, match.Groups[2].Value.Trim(), match.Groups[3].Value);
    }

    [GeneratedRegex(@"^```(\w+)([^\n]*)\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
