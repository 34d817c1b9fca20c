using System.Text.Json;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>replay-log: what a log-writes target has logged, done to another device without a daemon.</summary>
public sealed class ReplayLogTests
{
    private const int Size = 1 << 20;

    private Scratch _scratch = null!;

    [SetUp]
    public void LogTwoWritesWithAMarkBetween()
    {
        _scratch = new Scratch();
        _scratch.Sparse("data.img", Size);
        _scratch.Sparse("copy.img", Size);
        _scratch.Sparse("log.img", 4 * Size);
        string config = _scratch.Write("dmio-nbd.json", """
            {
              "stateDirectory": "state",
              "control": "control.sock",
              "listeners": [ { "unix": "nbd.sock" } ],
              "devices": { "logged": { "table": "0 2048 log-writes data.img log.img" } },
              "exports": [ { "name": "logged" } ],
            }
            """);
        using DaemonProcess daemon = DaemonProcess.Serve("--config", config);
        using (NbdClient client = NbdClient.Connect(_scratch["nbd.sock"], "logged"))
        {
            Write(client, 1);
            ControlTool.Run(_scratch["control.sock"], "message", "logged", "0", "mark", "half").MustSucceed();
            Write(client, 2);
        }
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    [TearDown]
    public void RemoveScratch() => _scratch.Dispose();

    // Goal: all of the log makes the device again, a mark or an entry what it was then.
    [TestCase(2, new string[0])]
    [TestCase(1, new[] { "--to-mark", "half" })]
    [TestCase(0, new[] { "--to-entry", "0" })]
    [TestCase(2, new[] { "--from-mark", "half" })]
    public void It_makes_what_was_there_at_a_point(int expected, string[] range)
    {
        ToolResult result = Replay(["copy.img", .. range]).MustSucceed();
        Assert.That(result.Output, Does.EndWith(" entries replayed\n"));
        byte[] copy = File.ReadAllBytes(_scratch["copy.img"]);
        Assert.That(copy[65536..(65536 + 4096)], Is.All.EqualTo(expected));
        if (range.Length == 0)
            Assert.That(copy, Is.EqualTo(File.ReadAllBytes(_scratch["data.img"])));
    }

    // Goal: the entries are told, for people and for programs, and nothing is changed.
    [Test]
    public void It_lists_the_entries()
    {
        string[] lines = Replay(["--list"]).MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Exactly(2).EndsWith(" 128 8 write").And.Exactly(1).EndsWith(" 0 0 mark half"));
        JsonElement entries = JsonDocument.Parse(Replay(["--list", "--json"]).MustSucceed().Output).RootElement;
        Assert.That(entries.GetArrayLength(), Is.EqualTo(lines.Length));
        JsonElement write = entries.EnumerateArray().First(e => e.GetProperty("lengthSectors").GetInt64() > 0);
        Assert.That(write.GetProperty("startSector").GetInt64(), Is.EqualTo(128));
        JsonElement done = JsonDocument.Parse(Replay(["copy.img", "--json"]).MustSucceed().Output).RootElement;
        Assert.That(done.GetProperty("replayed").GetInt64(), Is.EqualTo(lines.Length));
    }

    // Goal: what cannot be is told in a sentence.
    [TestCase(2, "--list", "copy.img", "--list")]
    [TestCase(2, "--list")]
    [TestCase(2, "There is no mark 'none'", "copy.img", "--to-mark", "none")]
    [TestCase(2, "There are no entries 0 to 99", "copy.img", "--to-entry", "99")]
    [TestCase(2, "do not go together", "copy.img", "--to-entry", "1", "--to-mark", "half")]
    [TestCase(1, "none.img", "none.img")]
    [TestCase(1, "log.img: in use", "log.img")]
    public void It_tells_what_is_wrong(int exitCode, string problem, params string[] arguments)
    {
        ToolResult result = Replay(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(exitCode), result.Error);
        Assert.That(result.Error, Does.StartWith("dmio-nbd: ").And.Contain(problem));
        Assert.That(result.Error.TrimEnd('\n'), Does.Not.Contain("\n").And.Not.Contain("Parameter"));
        Assert.That(File.ReadAllBytes(_scratch["copy.img"]), Is.All.Zero);
    }

    private static void Write(NbdClient client, byte value)
    {
        Assert.That(client.WriteAt(65536, Enumerable.Repeat(value, 4096).ToArray()), Is.Zero);
        Assert.That(client.FlushAll(), Is.Zero);
    }

    private ToolResult Replay(string[] arguments) => Tool.Run(
        "env", ["--chdir", _scratch.Directory, BuiltProgram.Path, "replay-log", "log.img", .. arguments]);
}
