using System.Text.Json;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>Everything that nbdinfo asks.</summary>
public sealed class NbdinfoTests
{
    private const int MiB = 1 << 20;

    private Volume _volume = null!;
    private DaemonProcess _daemon = null!;

    [OneTimeSetUp]
    public void Serve()
    {
        _volume = new Volume("64M");
        _daemon = _volume.Serve();
        using NbdClient client = NbdClient.Connect(_volume.Socket);
        Assert.That(client.WriteAt(8 * MiB, [.. Enumerable.Repeat((byte)7, MiB)]), Is.Zero);
        Assert.That(client.FlushAll(), Is.Zero);
    }

    [OneTimeTearDown]
    public void Stop()
    {
        using (_volume)
            Assert.That(_daemon.Stop(), Is.Zero, _daemon.Log);
    }

    // Goal: whatever nbdinfo can ask of a writable mirror on files is answered, by 0 for yes and 2 for no.
    [TestCase("--can", "connect", 0)]
    [TestCase("--can", "read", 0)]
    [TestCase("--can", "write", 0)]
    [TestCase("--can", "flush", 0)]
    [TestCase("--can", "fua", 0)]
    [TestCase("--can", "trim", 0)]
    [TestCase("--can", "zero", 0)]
    [TestCase("--can", "fast-zero", 0)]
    [TestCase("--can", "cache", 0)]
    [TestCase("--can", "df", 0)]
    [TestCase("--can", "multi-conn", 0)]
    [TestCase("--can", "structured-reply", 0)]
    [TestCase("--is", "read-only", 2)]
    [TestCase("--is", "rotational", 2)]
    [TestCase("--is", "tls", 2)]
    public void What_can_be_asked_is_answered(string verb, string what, int exit)
    {
        ToolResult result = Tool.Run("nbdinfo", verb, what, _volume.Uri);
        Assert.That(result.ExitCode, Is.EqualTo(exit), $"{result.Command}\n{result.Error}");
        Assert.That(result.Error, Is.Empty);
    }

    // Goal: the size alone, in bytes.
    [Test]
    public void The_size_is_told_in_bytes() =>
        Assert.That(Tool.Run("nbdinfo", "--size", _volume.Uri).MustSucceed().Output.Trim(), Is.EqualTo($"{64 * MiB}"));

    // Goal: nothing in --json is missing or otherwise than served.
    [Test]
    public void Json_holds_all_that_is_negotiated()
    {
        JsonElement root = JsonDocument.Parse(Tool.Run("nbdinfo", "--json", _volume.Uri).MustSucceed().Output).RootElement;
        Assert.That(root.GetProperty("protocol").GetString(), Is.EqualTo("newstyle-fixed"));
        Assert.That(root.GetProperty("TLS").GetBoolean(), Is.False);
        Assert.That(root.GetProperty("structured").GetBoolean());
        JsonElement export = root.GetProperty("exports")[0];
        Assert.That(export.GetProperty("export-name").GetString(), Is.EqualTo("vol0"));
        Assert.That(export.GetProperty("export-size").GetInt64(), Is.EqualTo(64 * MiB));
        Assert.That(export.GetProperty("block_size_minimum").GetInt32(), Is.EqualTo(1));
        Assert.That(export.GetProperty("block_size_preferred").GetInt32(), Is.EqualTo(4096));
        Assert.That(export.GetProperty("block_size_maximum").GetInt32(), Is.GreaterThanOrEqualTo(32 * MiB));
        Assert.That(
            export.GetProperty("contexts").EnumerateArray().Select(c => c.GetString()),
            Is.EqualTo((string[])["base:allocation", "x-dmio:failed-legs", "x-dmio:out-of-sync"]));
        foreach (string can in (string[])
            ["can_cache", "can_df", "can_fast_zero", "can_flush", "can_fua", "can_multi_conn", "can_trim", "can_zero"])
            Assert.That(export.GetProperty(can).GetBoolean(), can);
        Assert.That(export.GetProperty("is_read_only").GetBoolean(), Is.False);
        Assert.That(export.GetProperty("is_rotational").GetBoolean(), Is.False);
    }

    // Goal: --list for people and for programs, without an export's name in the address.
    [Test]
    public void The_list_needs_no_name()
    {
        string server = $"nbd+unix:///?socket={_volume.Socket}";
        Assert.That(Tool.Run("nbdinfo", "--list", server).MustSucceed().Output, Does.Contain("export=\"vol0\":"));
        JsonElement list = JsonDocument.Parse(Tool.Run("nbdinfo", "--list", "--json", server).MustSucceed().Output).RootElement;
        Assert.That(
            list.GetProperty("exports").EnumerateArray().Select(e => e.GetProperty("export-name").GetString()),
            Is.EqualTo((string[])["vol0"]));
    }

    // Goal: --map of every context, and its totals.
    [Test]
    public void Maps_and_totals_cover_the_whole_export()
    {
        foreach (string context in (string[])["base:allocation", "x-dmio:failed-legs", "x-dmio:out-of-sync"])
        {
            string map = Tool.Run("nbdinfo", $"--map={context}", "--json", _volume.Uri).MustSucceed().Output;
            Assert.That(
                JsonDocument.Parse(map).RootElement.EnumerateArray().Sum(e => e.GetProperty("length").GetInt64()),
                Is.EqualTo(64L * MiB), context);
        }
        string totals = Tool.Run("nbdinfo", "--map", "--totals", "--json", _volume.Uri).MustSucceed().Output;
        Assert.That(
            JsonDocument.Parse(totals).RootElement.EnumerateArray()
                .Select(e => (e.GetProperty("type").GetInt32(), e.GetProperty("size").GetInt64())),
            Is.EquivalentTo(new[] { (0, (long)MiB), (3, 63L * MiB) }));
    }

    // Goal: an export that is not there is an error with a sentence.
    [Test]
    public void An_unknown_export_is_refused_with_a_sentence()
    {
        ToolResult result = Tool.Run("nbdinfo", $"nbd+unix:///nowhere?socket={_volume.Socket}");
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error, Does.Contain("nowhere"));
    }
}
