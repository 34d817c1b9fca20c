using System.Text;
using System.Text.RegularExpressions;
using DmIo.Daemon.Hosting;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>What clients are told of an export for people, and for those who look for a volume by its UUID.</summary>
public sealed class DescriptionTests
{
    private const string Uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

    // Goal: whoever finds a device attached can tell whose it is, whatever the text; today and after a restart.
    [Test]
    public void The_volumes_uuid_is_told_beside_a_description_and_stays()
    {
        using var scratch = new Scratch();
        scratch.Sparse("a.img", 1 << 20);
        scratch.Sparse("b.img", 1 << 20);
        string config = scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ], "control": "off", "stateDirectory": "state",
              "devices": { "vol0": { "table": "0 2048 mirror core 1 1024 2 a.img 0 b.img 0", "assumeClean": true } },
              "exports": [
                { "name": "mine", "device": "dm:vol0", "description": "my text" }, { "name": "bare", "device": "dm:vol0" },
              ],
            }
            """);
        string first = Told(scratch, config);
        Assert.That(first, Does.Match($"^my text \\(volume {Uuid}\\)\nvolume {Uuid}$"));
        Assert.That(Regex.Matches(first, Uuid).Select(m => m.Value).Distinct().Count(), Is.EqualTo(1));
        Assert.That(Told(scratch, config), Is.EqualTo(first), "after a restart");
    }

    // Goal: the protocol's limit holds for both together, and no character is cut in two.
    [TestCase(4096, 'x')]
    [TestCase(2048, 'é')]
    public void A_text_that_leaves_no_room_is_cut(int length, char letter)
    {
        var id = Guid.NewGuid();
        string told = ExportText.Of(new string(letter, length), id)!;
        Assert.That(told, Does.EndWith($"{letter} (volume {id})"));
        Assert.That(Encoding.UTF8.GetByteCount(told), Is.InRange(4090, 4096));
    }

    [Test]
    public void A_text_that_has_it_already_is_left_alone()
    {
        var id = Guid.NewGuid();
        Assert.That(ExportText.Of($"see {id}", id), Is.EqualTo($"see {id}"));
        Assert.That(ExportText.Of("text", null), Is.EqualTo("text"));
        Assert.That(ExportText.Of(null, null), Is.Null);
    }

    // INFO and LIST agree.
    private static string Told(Scratch scratch, string config)
    {
        using DaemonProcess daemon = DaemonProcess.Serve("--config", config);
        string[] told = [.. ((string[])["mine", "bare"]).Select(name => Tool.Run(
            "nbdinfo", $"nbd+unix:///{name}?socket={scratch["nbd.sock"]}").MustSucceed().Output
            .Split('\n').Single(l => l.Contains("description: ", StringComparison.Ordinal)).Split(": ", 2)[1])];
        string list = Tool.Run("nbd-client", "-l", "-unix", scratch["nbd.sock"]).MustSucceed().Output;
        Assert.That(list, Does.Contain($"mine: {told[0]}\n").And.Contain($"bare: {told[1]}\n"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        return string.Join('\n', told);
    }
}
