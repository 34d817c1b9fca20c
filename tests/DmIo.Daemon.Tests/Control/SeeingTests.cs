using System.Text.Json;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>What the verbs show of a running daemon.</summary>
public sealed class SeeingTests
{
    private const string VolumeTable = "0 131072 mirror core 1 1024 2 d.img 0 dm:shaky 0 1 handle_errors";

    // Goal: who knows dmsetup reads these lines, and scripts written for them work.
    [Test]
    public void Plain_lines_are_those_of_dmsetup()
    {
        using var volume = new ShakyVolume();
        Assert.That(volume.Lines("ls"), Is.EqualTo(new[] { "shaky", "vol0" }));
        Assert.That(volume.Lines("table"), Is.EqualTo(new[]
        {
            "shaky: 0 65536 linear e.img 0", "shaky: 65536 65536 error", $"vol0: {VolumeTable}",
        }));
        Assert.That(volume.Lines("table", "vol0"), Is.EqualTo(new[] { VolumeTable }));
        Assert.That(volume.Lines("status"), Is.EqualTo(new[]
        {
            "shaky: 0 65536 linear", "shaky: 65536 65536 error", "vol0: 0 131072 mirror 2 d.img dm:shaky 128/128 1 AA 1 core",
        }));
        Assert.That(volume.Lines("deps"), Is.EqualTo(new[]
        {
            "shaky: 1 dependencies\t: (e.img)", "vol0: 2 dependencies\t: (d.img) (dm:shaky)",
        }));
        Assert.That(volume.Lines("deps", "vol0"), Is.EqualTo(new[] { "2 dependencies\t: (d.img) (dm:shaky)" }));
        volume.LoseLeg();
        Assert.That(
            volume.Lines("status", "vol0"), Is.EqualTo(new[] { "0 131072 mirror 2 d.img dm:shaky 127/128 1 AD 1 core" }));
        Assert.That(volume.Run("info", "shaky").MustSucceed().Output, Is.EqualTo("""
            Name:              shaky
            State:             ACTIVE
            Read Ahead:        0
            Tables present:    LIVE
            Open count:        1
            Event number:      0
            Number of targets: 2


            """));
        Assert.That(volume.Lines("info", "vol0"), Does.Contain("Event number:      1"));
    }

    [Test]
    public void Json_has_the_same_and_more()
    {
        using var volume = new ShakyVolume();
        volume.LoseLeg();
        JsonElement status = ControlTool.Json(volume.Control, "status", "vol0");
        JsonElement mirror = status.GetProperty("mirrors")[0];
        Assert.That(mirror.GetProperty("regionsInSync").GetInt64(), Is.EqualTo(127));
        Assert.That(mirror.GetProperty("legs")[1].GetProperty("health").GetString(), Is.EqualTo("D"));
        Assert.That(status.GetProperty("exports")[0].GetString(), Is.EqualTo("vol0"));
        string[] verbs = ["ls", "info", "table", "status", "deps"];
        foreach (string verb in verbs)
            Assert.That(ControlTool.Json(volume.Control, verb).GetArrayLength(), Is.EqualTo(2), verb);
        Assert.That(
            ControlTool.Json(volume.Control, "ls")[0].GetProperty("usedBy")[0].GetString(), Is.EqualTo("vol0"));
    }

    // Goal: on a terminal people see tables, letters with their meaning, and colours.
    [Test]
    public void A_terminal_gets_tables_in_colour()
    {
        using var volume = new ShakyVolume();
        volume.LoseLeg();
        string list = OnTerminal(volume, "ls");
        Assert.That(list, Does.Contain("in sync").And.Contain("127/128").And.Contain("╭").And.Contain("\u001b["));
        string status = OnTerminal(volume, "status");
        Assert.That(status, Does.Contain("lacks writes").And.Contain("127/128 regions, 99%"));
        Assert.That(OnTerminal(volume, "connections"), Does.Contain("in flight"));
    }

    [Test]
    public void Connections_tell_what_clients_have_moved()
    {
        using var volume = new ShakyVolume();
        using NbdClient client = NbdClient.Connect(volume.Socket);
        Assert.That(client.WriteAt(0, new byte[8192]), Is.Zero);
        Assert.That(client.ReadAt(0, 4096, out _), Is.Zero);
        string[] fields = volume.Lines("connections").Single().Split('\t');
        Assert.That(fields[1], Is.EqualTo("vol0"));
        Assert.That(fields[2], Does.StartWith($"unix:pid={Environment.ProcessId},"));
        Assert.That(fields[3..], Is.EqualTo(new[] { "0", "2", "0", "4096", "8192", "-" }));
        Assert.That(volume.Lines("info", "vol0"), Does.Contain("Open count:        1"));
        JsonElement connection = ControlTool.Json(volume.Control, "connections")[0];
        Assert.That(connection.GetProperty("bytesWritten").GetInt64(), Is.EqualTo(8192));
    }

    [Test]
    public void What_cannot_be_is_told_in_a_sentence()
    {
        using var volume = new ShakyVolume();
        ToolResult unknown = volume.Run("status", "vol1");
        Assert.That(unknown.ExitCode, Is.EqualTo(1));
        Assert.That(
            unknown.Error, Is.EqualTo("dmio-nbd: vol1: no mapped device of that name; did you mean 'vol0'?\n"));
        string[][] usages = [["ls", "--jsn"], ["wait"], ["status", "a", "b"], ["wait", "vol0", "x"]];
        foreach (string[] usage in usages)
            Assert.That(volume.Run(usage).ExitCode, Is.EqualTo(2), string.Join(' ', usage));
        // Options of a verb in front of it would be lost, and the daemon at the default socket be asked instead.
        ToolResult inFront = Tool.Run(BuiltProgram.Path, "--control", volume.Control, "leg", "fail", "vol0", "0");
        Assert.That(inFront.ExitCode, Is.EqualTo(2));
        Assert.That(inFront.Error, Does.StartWith("dmio-nbd: --control stands in front of 'fail'; options go behind the verb"));
        ToolResult none = ControlTool.Run(volume.Scratch["none.sock"], "ls");
        Assert.That(none.ExitCode, Is.EqualTo(1));
        Assert.That(none.Error, Is.EqualTo(
            $"dmio-nbd: no daemon is controlled at {volume.Scratch["none.sock"]}; start one (dmio-nbd serve), or say where it is "
            + "(--control PATH)\n"));
    }

    private static string OnTerminal(ShakyVolume volume, string verb)
    {
        string command = $"stty cols 120; exec {BuiltProgram.Path} {verb} --control {volume.Control}";
        return Tool.Run(
            new Dictionary<string, string?> { ["TERM"] = "xterm-256color", ["NO_COLOR"] = null },
            "script", "-qec", command, "/dev/null").MustSucceed().Output;
    }
}
