using System.Text.Json;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>Legs are taken out and back, compared and made alike, and volumes grow, by verbs.</summary>
public sealed class ScrubTests
{
    // Goal: a flipped byte is found where it is, told to scripts by the exit status, and repaired from the leg that is right.
    [Test]
    public void A_check_finds_what_differs_and_a_repair_mends_it()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve();
        Assert.That(Run(volume, "check", "vol0").MustSucceed().Output, Does.Contain("the legs are identical"));
        Flip(volume.Legs[1], 5_000_000);
        ToolResult check = Run(volume, "check", "vol0");
        Assert.That(check.ExitCode, Is.EqualTo(1), check.Error);
        Assert.That(check.Output, Does.Contain("first at byte 5000000 (00 ff)"));
        ToolResult unsaid = Run(volume, "repair", "vol0");
        Assert.That(unsaid.ExitCode, Is.EqualTo(2));
        Assert.That(unsaid.Error, Does.Contain("--from LEG, or --majority"));
        ToolResult undecided = Run(volume, "repair", "vol0", "--majority");
        Assert.That(undecided.ExitCode, Is.EqualTo(1), undecided.Error);
        Assert.That(undecided.Output, Does.Contain("nothing is right there"));
        JsonElement repaired = ControlTool.Json(volume.Control, "repair", "vol0", "--from", "0");
        Assert.That(repaired.GetProperty("repaired").GetInt64(), Is.GreaterThan(0));
        Assert.That(repaired.GetProperty("mismatches")[0].GetProperty("outcome").GetString(), Is.EqualTo("repaired"));
        Run(volume, "check", "vol0").MustSucceed();
        JsonElement scrub = ControlTool.Json(volume.Control, "status", "vol0").GetProperty("scrub");
        Assert.That(scrub.GetProperty("doneSectors").GetInt64(), Is.EqualTo(131072));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }

    // Goal: Ctrl-C ends a check in good order, and the same command goes on where it was.
    [Test]
    public void An_interrupted_check_is_gone_on_with()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve();
        using (DaemonProcess check = DaemonProcess.Launch("check", "vol0", "--rate", "16M", "--control", volume.Control))
        {
            Deadline.WaitFor(() => Done(volume) > 8192, "a part is done");
            check.Signal("INT");
            Assert.That(check.WaitForExit(), Is.EqualTo(1));
            Assert.That(check.Log, Does.Contain("interrupted; run it again to go on"));
        }
        Deadline.WaitFor(() => !Scrub(volume)!.Value.GetProperty("running").GetBoolean(), "it ends");
        long done = Done(volume);
        Assert.That(done, Is.LessThan(131072));
        Assert.That(Run(volume, "check", "vol0").MustSucceed().Output, Does.StartWith("131072 of 131072 sectors compared"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    [Test]
    public void A_leg_is_taken_out_by_hand_and_comes_back_when_it_is_cleared()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve();
        Run(volume, "leg", "fail", "vol0", "1").MustSucceed();
        Assert.That(Health(volume), Is.EqualTo("AD"));
        using (NbdClient client = NbdClient.Connect(volume.Socket))
            Assert.That(client.WriteAt(1 << 20, Enumerable.Repeat((byte)7, 4096).ToArray()), Is.Zero);
        JsonElement leg = ControlTool.Json(volume.Control, "status", "vol0").GetProperty("mirrors")[0].GetProperty("legs")[1];
        Assert.That(leg.GetProperty("failedByHand").GetBoolean());
        Assert.That(leg.GetProperty("lackedRegions").GetInt64(), Is.EqualTo(1));
        ToolResult last = Run(volume, "leg", "fail", "vol0", volume.Legs[0]);
        Assert.That(last.ExitCode, Is.EqualTo(1), last.Error);
        ToolResult check = Run(volume, "check", "vol0");
        Assert.That(check.ExitCode, Is.EqualTo(1), check.Error);
        Assert.That(check.Error, Does.Contain("only one leg is in the set"));
        Run(volume, "leg", "clear", "vol0", volume.Legs[1]).MustSucceed();
        Deadline.WaitFor(() => Health(volume) == "AA", "the leg is back");
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }

    [Test]
    public void A_volume_grows_and_clients_that_come_see_it()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve();
        Run(volume, "grow", "vol0", "96M").MustSucceed();
        Assert.That(Tool.Run("nbdinfo", "--size", volume.Uri).MustSucceed().Output.Trim(), Is.EqualTo($"{96 << 20}"));
        Assert.That(new FileInfo(volume.Legs[1]).Length, Is.EqualTo(96 << 20));
        (string Size, int ExitCode, string Sentence)[] refused =
            [("32M", 2, "does not shrink"), ("x", 2, "'x' is no size"), ("1000", 2, "not a multiple of 512")];
        foreach ((string size, int exitCode, string sentence) in refused)
        {
            ToolResult result = Run(volume, "grow", "vol0", size);
            Assert.That(result.ExitCode, Is.EqualTo(exitCode), result.Error);
            Assert.That(result.Error, Does.Contain(sentence));
        }
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        volume.CompareLegs();
    }

    // Goal: --watch shows each leg's letter, what it lacks, how fast it is, and the volume's regions.
    [Test]
    public void Watching_shows_legs_and_regions()
    {
        using var volume = new Volume();
        volume.Serve();
        string screen = volume.Scratch["screen"];
        string command = $"stty cols 140; exec timeout -s INT 30 {BuiltProgram.Path} status vol0 --watch --control {volume.Control}";
        using DaemonProcess watch = DaemonProcess.Launch(
            new System.Diagnostics.ProcessStartInfo("script", ["-qefc", command, screen]));
        Deadline.WaitFor(() => File.Exists(screen) && Shown(screen).Contains("128/128", StringComparison.Ordinal), "the status");
        string shown = Shown(screen);
        Assert.That(shown, Does.Contain("alive").And.Contain("lacks").And.Contain("latency").And.Contain("MiB/s"));
        Assert.That(shown, Does.Contain(new string('\u2588', 10)));
        Run(volume, "leg", "fail", "vol0", "1").MustSucceed();
        Deadline.WaitFor(() => Shown(screen).Contains("failed by hand", StringComparison.Ordinal), "the change");
    }

    private static string Shown(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static ToolResult Run(Volume volume, params string[] verb) => ControlTool.Run(volume.Control, verb);

    private static string Health(Volume volume) => ControlTool.Lines(volume.Control, "status", "vol0").Single().Split(' ')[^3];

    private static JsonElement? Scrub(Volume volume) =>
        ControlTool.Json(volume.Control, "status", "vol0").TryGetProperty("scrub", out JsonElement scrub) ? scrub : null;

    private static long Done(Volume volume) => Scrub(volume)?.GetProperty("doneSectors").GetInt64() ?? 0;

    // The daemon holds the file's lock, which .NET would ask for.
    private static void Flip(string file, long at) => Tool.Run(
        "sh", "-c", $"printf '\\377' | dd of={file} bs=1 seek={at} conv=notrunc status=none").MustSucceed();
}
