using System.Text.RegularExpressions;

namespace DmIo.Nbd.Tests;

/// <summary>The table "What guards what" of src/DmIo.Nbd/README.md names tests that there are.</summary>
internal sealed partial class GuardTableTests
{
    private static readonly string s_repository = FindRepository();

    [Test]
    public void Every_test_that_the_table_names_exists()
    {
        // Goal: a test that was renamed or removed is missed here.
        Dictionary<string, string> classes = TestClasses();
        string[] named = [.. Rows().SelectMany(Named)];
        Assert.That(named, Has.Length.GreaterThan(100));
        Assert.Multiple(() =>
        {
            foreach (string name in named.Distinct())
            {
                string[] parts = name.Split('.');
                Assert.That(classes, Does.ContainKey(parts[0]), name);
                if (parts.Length == 2 && classes.TryGetValue(parts[0], out string? text))
                    Assert.That(Regex.IsMatch(text, $@"\bpublic (async Task|void) {parts[1]}\("), name);
            }
        });
    }

    [Test]
    public void Every_row_has_a_test_or_a_reason()
    {
        // Goal: nothing is ticked off by silence, and no section of the checklist is left out.
        string[] rows = [.. Rows()];
        Assert.Multiple(() =>
        {
            foreach (string row in rows)
            {
                bool isProgram = row.Contains("`tests/", StringComparison.Ordinal);
                bool isReasoned = row.Contains("left out: ", StringComparison.Ordinal);
                Assert.That(Named(row).Any() || isProgram || isReasoned, row);
            }
            for (int section = 1; section <= 19; section++)
                Assert.That(rows, Has.Some.StartsWith($"| 2.{section} "));
            for (int item = 1; item <= 14; item++)
                Assert.That(rows, Has.Some.Matches($@"^\| 2\.2 .*\bH{item}\b"));
        });
    }

    private static IEnumerable<string> Named(string row) => Name().Matches(row).Select(m => m.Groups[1].Value);

    private static IEnumerable<string> Rows()
    {
        string[] lines = File.ReadAllLines($"{s_repository}/src/DmIo.Nbd/README.md");
        return lines.SkipWhile(l => l != "## What guards what").Skip(1).TakeWhile(l => !l.StartsWith("## ", StringComparison.Ordinal))
            .Where(l => l.StartsWith("| ", StringComparison.Ordinal) && l is not ("| item | guarded by |" or "| bug | test |"));
    }

    private static Dictionary<string, string> TestClasses()
    {
        var classes = new Dictionary<string, string>();
        foreach (string file in Directory.EnumerateFiles($"{s_repository}/tests", "*Tests.cs", SearchOption.AllDirectories))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            classes[name] = classes.GetValueOrDefault(name) + File.ReadAllText(file);
        }
        return classes;
    }

    private static string FindRepository()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists($"{directory}/dmio-nbd.sln"))
            directory = Path.GetDirectoryName(directory)!;
        return directory;
    }

    [GeneratedRegex(@"`([A-Z]\w*Tests(?:\.\w+)?)`")]
    private static partial Regex Name();
}
