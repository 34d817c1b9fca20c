using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>What happens is told to those who ask, then or later.</summary>
public sealed class EventTests
{
    // Goal: a follower hears of an event when it happens; who looks later finds it; who saw it can go on behind it.
    [Test]
    public void Events_are_told_as_they_happen_and_afterwards()
    {
        using var volume = new ShakyVolume();
        using DaemonProcess follower = Verb(volume, "events", "--follow", "--json");
        Deadline.WaitFor(() => Connected(volume.Control) == 1, "a follower");
        volume.LoseLeg();
        Deadline.WaitFor(() => follower.Output.Contains("legLeft", StringComparison.Ordinal), "the event");
        volume.Run("suspend", "vol0", "--noflush").MustSucceed();
        Deadline.WaitFor(() => follower.Output.Contains("suspended", StringComparison.Ordinal), "a later event");
        Assert.That(follower.HasExited, Is.False);
        JsonElement e = JsonDocument.Parse(follower.Output.Split('\n')[0]).RootElement;
        Assert.That(e.GetProperty("volume").GetString(), Is.EqualTo("vol0"));
        Assert.That(e.GetProperty("leg").GetInt32(), Is.EqualTo(1));
        Assert.That(e.GetProperty("status").GetString(), Does.EndWith("127/128 1 AD 1 core"));
        string[] lines = volume.Lines("events", "vol0");
        Assert.That(lines[0], Does.Match(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} 1 vol0: leg 1 dm:shaky failed: Write at sector 81920"));
        Assert.That(volume.Lines("events", "shaky"), Is.Empty);
        Assert.That(volume.Lines("events", "--after", "1"), Has.Length.EqualTo(lines.Length - 1));
    }

    // Goal: who reads too slowly is told how many events there were that are not kept, and goes on behind them.
    [Test]
    public void A_follower_that_falls_behind_is_told_what_it_lost()
    {
        // More than are kept and all buffers on the way hold.
        const int count = 12000;
        using var volume = new ShakyVolume();
        using DaemonProcess json = Verb(volume, "events", "--follow", "--json");
        using DaemonProcess text = Verb(volume, "events", "shaky", "--follow");
        Deadline.WaitFor(() => Connected(volume.Control) == 2, "two followers");
        Load(volume, 1);
        Deadline.WaitFor(() => json.Output.Length > 0 && text.Output.Length > 0, "both follow");
        json.Signal("STOP");
        text.Signal("STOP");
        Load(volume, count - 1);
        json.Signal("CONT");
        text.Signal("CONT");
        Deadline.WaitFor(() => json.Output.Contains($"\"sequence\":{count},", StringComparison.Ordinal), "the last event");
        Deadline.WaitFor(() => text.Output.Contains($" {count} shaky: ", StringComparison.Ordinal), "the last line");
        JsonElement[] events = [.. json.Output.Split('\n')[..^1].Select(line => JsonDocument.Parse(line).RootElement)];
        JsonElement lost = events.Single(e => e.GetProperty("kind").GetString() == "lost");
        long missing = lost.GetProperty("count").GetInt64();
        Assert.That(missing, Is.EqualTo(count - (events.Length - 1)).And.Positive);
        int at = Array.IndexOf(events, lost);
        Assert.That(lost.GetProperty("sequence").GetInt64(), Is.EqualTo(events[at - 1].GetProperty("sequence").GetInt64() + missing));
        Assert.That(events[at + 1].GetProperty("sequence").GetInt64(), Is.EqualTo(lost.GetProperty("sequence").GetInt64() + 1));
        Assert.That(text.Output, Does.Match(
            @"\d \d+ \d+ events, of whatever device, are lost: the daemon keeps the latest 4096, and more came before they were read"));
        // Who has seen some is told too, and who only looks is not.
        Assert.That(volume.Lines("events", "--after", "1")[0], Does.Contain($" {count - 4097} events are lost"));
        Assert.That(volume.Lines("events"), Has.Length.EqualTo(4096));
    }

    // Goal: Ctrl-C ends what goes on until then, and whoever started it sees by what.
    [TestCase("events", "--follow")]
    [TestCase("status", "--watch")]
    [TestCase("wait", "vol0")]
    public void An_interrupt_ends_those_who_follow(string verb, string argument)
    {
        using var volume = new ShakyVolume();
        using DaemonProcess follower = Verb(volume, verb, argument);
        Deadline.WaitFor(() => Connected(volume.Control) == 1, "a follower");
        if (verb == "status")
            Deadline.WaitFor(() => follower.Output.Length > 0, "the status");
        follower.Signal("INT");
        Assert.That(follower.WaitForExit(), Is.EqualTo(128 + 2));
        Assert.That(follower.Log, Is.Empty);
    }

    // Goal: 'wait' is device-mapper's: it returns at once when the number is passed already, and otherwise when it is.
    [Test]
    public void Wait_ends_with_the_next_event()
    {
        using var volume = new ShakyVolume();
        using DaemonProcess waiting = Verb(volume, "wait", "vol0");
        using DaemonProcess other = Verb(volume, "wait", "shaky", "0");
        // Both have asked by now: the connections are there.
        Deadline.WaitFor(() => Connected(volume.Control) == 2, "two that wait");
        Assert.That(waiting.HasExited || other.HasExited, Is.False);
        volume.LoseLeg();
        Assert.That(waiting.WaitForExit(), Is.Zero);
        Assert.That(waiting.Output, Is.EqualTo("1\n"));
        Assert.That(other.HasExited, Is.False, "nothing happened to that device");
        Assert.That(volume.Lines("wait", "vol0", "0"), Is.EqualTo(new[] { "1" }));
    }

    // Goal: those who wait neither delay a stop nor take it for an answer.
    [Test]
    public void A_stop_ends_those_who_wait()
    {
        using var volume = new ShakyVolume();
        using DaemonProcess waiting = Verb(volume, "wait", "vol0");
        using DaemonProcess follower = Verb(volume, "events", "--follow");
        Deadline.WaitFor(() => Connected(volume.Control) == 2, "two that wait");
        var watch = Stopwatch.StartNew();
        Assert.That(volume.Daemon.Stop(), Is.Zero, volume.Daemon.Log);
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(8)));
        Assert.That(waiting.WaitForExit(), Is.EqualTo(1));
        Assert.That(waiting.Log, Does.StartWith("dmio-nbd: "));
        Assert.That(follower.WaitForExit(), Is.EqualTo(1));
        Assert.That(File.Exists(volume.Control), Is.False, "the socket is left behind");
    }

    private static DaemonProcess Verb(ShakyVolume volume, params string[] verb) =>
        DaemonProcess.Launch([.. verb, "--control", volume.Control]);

    // Each table that is loaded is an event.
    private static void Load(ShakyVolume volume, int times) => Tool.Run(
        "curl", "-sS", "--fail", "--unix-socket", volume.Control, "-X", "PUT", "-H", "Content-Type: application/json", "--data",
        """{ "table": "0 131072 zero" }""", $"http://localhost/v1/volumes/shaky/inactive-table?n=[1-{times}]").MustSucceed();

    /// <summary>How many are connected to a control socket.</summary>
    internal static int Connected(string control) =>
        Tool.Run("ss", "-xH", "state", "connected", "src", control).MustSucceed().Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
}
