using System.Globalization;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>A leg whose file system hangs: what is promised holds all the same. The leg is a file of nbdfuse's.</summary>
[Category("Root")]
public sealed class HungLegTests
{
    // What a stop may take, and time for a slow machine to get there.
    private static readonly TimeSpan s_stopBound = TimeSpan.FromSeconds(30);

    // Goal: a stop keeps its time although a reload is under way that does not end, and says at once that it has begun.
    [Test]
    public void A_reload_that_hangs_holds_up_no_stop()
    {
        using var below = new Volume("1M");
        below.Serve();
        using var mount = new FuseMount(below.Uri);
        using var it = new ReloadedDaemon(
            """{ "name": "a" }, { "name": "b" }""", devices: ReloadedDaemon.A + Hanging("b", mount));
        using NbdClient client = NbdClient.Connect(it.Socket, "b");
        mount.Freeze();
        client.Send(NbdClient.Write, 0, 1 << 19, 512, new byte[512]);
        Deadline.WaitFor(() => FuseMount.IsWaitedForBy(it.Daemon.Id), "the write hangs");
        it.Write("""{ "name": "a" }""", devices: ReloadedDaemon.A);
        it.Daemon.Signal("HUP");
        it.Daemon.WaitForLog("export \"b\" was removed: 1 connections were cut off");
        it.Daemon.Signal("TERM");
        Assert.That(it.Daemon.WaitForExit(s_stopBound), Is.EqualTo(1), it.Daemon.Log);
        Assert.That(it.Daemon.Log, Does.Contain("stopping: ").And.Contain("gave up waiting after 10 s"));
        Assert.That(it.Daemon.Log, Does.Not.Contain("device b removed"));
    }

    // Goal: a command that is served is not left behind by a daemon that gives up, whatever it does about signals.
    [Test]
    public void A_stop_that_gives_up_leaves_no_command_behind()
    {
        using var below = new Volume("1M");
        below.Serve();
        using var mount = new FuseMount(below.Uri);
        using var scratch = new Scratch();
        scratch.Sparse("c.img", 1 << 20);
        string file = scratch.Write(
            "dmio-nbd.json",
            $$"""{ "devices": { {{Hanging("b", mount)}} }, "exports": [ { "name": "b" } ], "stateDirectory": "state" }""");
        using DaemonProcess daemon = DaemonProcess.Launch(
            "serve", "--config", file, "--run", "trap '' TERM; echo $$ $unixsocket; while :; do sleep 0.2; done");
        Deadline.WaitFor(() => daemon.Output.EndsWith('\n') || daemon.HasExited, "the command");
        string[] words = daemon.Output.Trim().Split(' ');
        int shell = int.Parse(words[0], CultureInfo.InvariantCulture);
        using NbdClient client = NbdClient.Connect(words[1], "b");
        mount.Freeze();
        client.Send(NbdClient.Write, 0, 1 << 19, 512, new byte[512]);
        Deadline.WaitFor(() => FuseMount.IsWaitedForBy(daemon.Id), "the write hangs");
        daemon.Signal("TERM");
        Assert.That(daemon.WaitForExit(s_stopBound), Is.EqualTo(1), daemon.Log);
        try
        {
            Deadline.WaitFor(() => !Directory.Exists($"/proc/{shell}"), "the command's end", s_stopBound);
        }
        finally
        {
            Tool.Run("kill", "-KILL", $"{shell}");
        }
    }

    // Its first half is another file, so that the leg is not its only one.
    private static string Hanging(string name, FuseMount mount) =>
        $$""" "{{name}}": { "table": [ "0 1024 linear c.img 0", "1024 1024 linear {{mount.Path}} 1024" ] },""";
}
