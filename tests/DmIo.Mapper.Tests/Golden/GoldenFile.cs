namespace DmIo.Mapper.Tests;

/// <summary>What was captured of a real kernel, kept in text files beside the tests.</summary>
internal static class GoldenFile
{
    /// <summary>The lines of a file that are neither empty nor comments.</summary>
    public static IEnumerable<string> Lines(string name) =>
        File.ReadLines(Path.Combine(TestContext.CurrentContext.TestDirectory, "Golden", name))
            .Where(line => line.Length > 0 && !line.StartsWith('#'));

    /// <summary>The same, cut at <c>|</c>.</summary>
    public static IEnumerable<string[]> Rows(string name) =>
        Lines(name).Select(line => line.Split('|').Select(part => part.Trim()).ToArray());
}
