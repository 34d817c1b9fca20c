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

    /// <summary>How many are connected to a control socket.</summary>
    internal static int Connected(string control) =>
        Tool.Run("ss", "-xH", "state", "connected", "src", control).MustSucceed().Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
}
