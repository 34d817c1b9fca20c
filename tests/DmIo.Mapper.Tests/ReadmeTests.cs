using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace DmIo.Mapper.Tests;

/// <summary>The examples of the README run: tables on files, messages, and code.</summary>
public sealed partial class ReadmeTests
{
    // Enough for every example; sparse.
    private const long FileBytes = 4L << 30;

    // Goal: each table of the page is taken as it stands, echoed as it stands, and serves reads and writes.
    [TestCaseSource(nameof(Examples))]
    public async Task Examples_work(string table, string[] messages)
    {
        using var files = new Files();
        var world = new FileWorld();
        try
        {
            MappedDevice device = await MappedDevice.CreateAsync(
                world.Loop, "vol0", MirrorRig.Parse(files.Place(table)), world, files.Options);
            Assert.That(device.TableLine(), Is.EqualTo(files.Place(table)));
            string target = table.Split(' ')[2];
            foreach (long sector in new[] { 0, device.Length.Count / 2 - 3, device.Length.Count - 8 })
            {
                byte[] data = MirrorRig.Bytes(8, (int)(sector % 1000));
                Assert.That(
                    await world.WriteAsync(device, sector, data), Is.EqualTo(target == "error" ? Errno.EIO : Errno.None));
                if (target != "error")
                {
                    byte[] expected = target == "zero" ? new byte[data.Length] : data;
                    Assert.That(await world.ReadAsync(device, sector, data.Length), Is.EqualTo(expected));
                }
            }
            foreach (string message in messages)
            {
                string[] parts = message.Split(" -> ");
                string answer = await device.MessageAsync(Sectors.Zero, parts[0].Split(' '));
                Assert.That(answer, Is.EqualTo(parts.ElementAtOrDefault(1) ?? ""), message);
            }
            await device.StopAsync();
            await world.Loop.InvokeAsync(device.DisposeAsync);
            if (target == "log-writes")
                await ReplayAsync(world.Find(files.Place("/srv/log.img")), world.Find(files.Place("/srv/copy.img")));
        }
        finally
        {
            await world.DisposeAsync();
        }
    }

    // Goal: every target that tables know has an example.
    [Test]
    public void Every_target_has_an_example() => Assert.That(
        Examples().Select(example => ((string)example.Arguments[0]!).Split(' ')[2]).Distinct().Order(),
        Is.EqualTo(TargetParsers.Known.Replace(" and ", ", ").Split(", ").Order()));

    // Goal: a block of code on the page that is not in this file, line for line, would be an example that nobody has run.
    [Test]
    public void Every_block_of_code_is_run()
    {
        string source = Normalized(File.ReadAllText(ThisFile()));
        string[] blocks = [.. CodeBlock().Matches(Readme()).Select(match => Normalized(match.Groups[1].Value))];
        Assert.That(blocks, Has.Length.EqualTo(1));
        foreach (string block in blocks)
            Assert.That(source.Contains(block, StringComparison.Ordinal), block);
    }

    private static async Task ReplayAsync(BlockDevice logDevice, BlockDevice copy)
    {
        LogWritesReplay log = await LogWritesReplay.OpenAsync(logDevice);
        foreach (LogWritesEntry entry in await log.ReadEntriesAsync())
            Console.WriteLine($"{entry.Index} {entry.Flags} {entry.Start}+{entry.Count} {entry.Mark}");
        await log.ReplayAsync(copy, new LogWritesRange { ToMark = "mkfs" });
    }

    // A table, and the messages between it and the next.
    private static IEnumerable<TestCaseData> Examples()
    {
        string readme = Readme();
        foreach (Match row in TableRow().Matches(readme).Cast<Match>())
            yield return Case(row.Groups[1].Value, []);
        Match[] blocks = [.. Block().Matches(readme).Cast<Match>()];
        for (int i = 0; i < blocks.Length; i++)
        {
            if (blocks[i].Groups[1].Value != "table")
                continue;
            IEnumerable<Match> messages = blocks.Skip(i + 1).TakeWhile(block => block.Groups[1].Value == "message");
            yield return Case(Text(blocks[i]), [.. messages.SelectMany(block => Text(block).Split('\n'))]);
        }
    }

    private static TestCaseData Case(string table, string[] messages) =>
        new TestCaseData(table, messages).SetArgDisplayNames(table);

    private static string Text(Match block) => block.Groups[2].Value.Trim();

    private static string Normalized(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    private static string Readme() =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../src/DmIo.Mapper/README.md"));

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"^\| \w+ \| `(0 [^`]*)` \|", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex("^```(table|message)\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    /// <summary>Files in a directory that stands for /srv.</summary>
    private sealed class Files : IDisposable
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("dmio-readme").FullName;

        public MappedDeviceOptions Options => new() { StateDirectory = _directory, LegsAreFresh = true };

        /// <summary>Puts the files of a text into the directory, and makes them.</summary>
        public string Place(string text) => SrvPath().Replace(text, match =>
        {
            string path = Path.Combine(_directory, match.Groups[1].Value);
            if (!File.Exists(path))
            {
                using FileStream file = File.Create(path);
                file.SetLength(FileBytes);
            }
            return path;
        });

        public void Dispose() => Directory.Delete(_directory, recursive: true);
    }

    [GeneratedRegex(@"/srv/([\w.]+)")]
    private static partial Regex SrvPath();
}
