using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
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

    // Goal: a leg that hangs is no daemon that hangs: the service manager, which would start it again in vain, hears of it
    // still. The leg is an export's only one.
    [Test]
    public void A_leg_that_hangs_is_not_called_a_daemon_that_hangs()
    {
        using var below = new Volume("1M");
        below.Serve();
        using var mount = new FuseMount(below.Uri);
        using var scratch = new Scratch();
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)Deadline.Usual.TotalMilliseconds,
        };
        manager.Bind(new UnixDomainSocketEndPoint(scratch["notify"]));
        var start = new ProcessStartInfo(
            BuiltProgram.Path,
            ["serve", "--linear", mount.Path, "--unix", scratch["nbd.sock"], "--control", scratch["control.sock"]]);
        start.Environment["NOTIFY_SOCKET"] = scratch["notify"];
        start.Environment["WATCHDOG_USEC"] = "200000";
        using DaemonProcess daemon = DaemonProcess.Launch(start).WaitUntilServing();
        using NbdClient client = NbdClient.Connect(scratch["nbd.sock"]);
        Assert.That(client.WriteAt(0, new byte[512]), Is.Zero);
        mount.Freeze();
        client.Send(NbdClient.Write, 0, 0, 512, new byte[512]);
        Deadline.WaitFor(() => FuseMount.IsWaitedForBy(daemon.Id), "the write hangs");
        byte[] message = new byte[4096];
        while (manager.Available > 0)
            manager.Receive(message);
        for (int words = 0; words < 3;)
        {
            if (Encoding.UTF8.GetString(message, 0, manager.Receive(message)) == "WATCHDOG=1")
                words++;
        }
        daemon.Kill();
    }

    // Its first half is another file, so that the leg is not its only one.
    private static string Hanging(string name, FuseMount mount) =>
        $$""" "{{name}}": { "table": [ "0 1024 linear c.img 0", "1024 1024 linear {{mount.Path}} 1024" ] },""";
}
