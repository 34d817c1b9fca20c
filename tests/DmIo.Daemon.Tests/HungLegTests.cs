using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>A file system that hangs, with a leg or what shall be one: what is promised holds all the same.</summary>
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
        using var scratch = new Scratch();
        using Socket manager = Manager(scratch["notify"]);
        using var it = new ReloadedDaemon("""{ "name": "a" }""", launch: config => DaemonProcess.Launch(new ProcessStartInfo(
            "env", [$"NOTIFY_SOCKET={scratch["notify"]}", BuiltProgram.Path, "serve", "--config", config])).WaitUntilServing());
        mount.Freeze();
        it.Write("""{ "name": "a" }, { "name": "far" }""", devices: ReloadedDaemon.A + Far(mount));
        it.Daemon.Signal("HUP");
        Next(manager, "RELOADING=1");
        it.Daemon.Signal("TERM");
        Next(manager, "STOPPING=1");
        Assert.That(it.Daemon.WaitForExit(s_stopBound), Is.EqualTo(1), it.Daemon.Log);
        Assert.That(it.Daemon.Log, Does.Contain("stopping: ").And.Contain("gave up waiting after 10 s"));
        Assert.That(it.Daemon.Log, Does.Not.Contain("was read again"));
    }

    // Goal: a command that is served is not left behind by a daemon that gives up, whatever it does about signals.
    [Test]
    public void A_stop_that_gives_up_leaves_no_command_behind()
    {
        using var below = new Volume("1M");
        below.Serve();
        using var mount = new FuseMount(below.Uri);
        int shell = 0;
        using var it = new ReloadedDaemon("""{ "name": "a" }""", launch: config => DaemonProcess.Launch(
            "serve", "--config", config, "--log-level", "information", "--run",
            "trap '' TERM; echo $$; exec > /dev/null 2>&1; while :; do sleep 0.2; done"));
        Deadline.WaitFor(
            () => int.TryParse(it.Daemon.Output, CultureInfo.InvariantCulture, out shell) || it.Daemon.HasExited, "the command");
        mount.Freeze();
        it.Write("""{ "name": "a" }, { "name": "far" }""", devices: ReloadedDaemon.A + Far(mount));
        it.Daemon.Signal("HUP");
        Deadline.WaitFor(() => FuseMount.IsWaitedForBy(it.Daemon.Id), "the reload hangs");
        it.Daemon.Signal("TERM");
        try
        {
            Assert.That(it.Daemon.WaitForExit(s_stopBound), Is.EqualTo(1), it.Daemon.Log);
            Assert.That(it.Daemon.Log, Does.Contain("gave up waiting after 10 s"));
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
        using Socket manager = Manager(scratch["notify"]);
        var start = new ProcessStartInfo(
            BuiltProgram.Path,
            ["serve", "--linear", mount.Path, "--unix", scratch["nbd.sock"], "--control", scratch["control.sock"]]);
        start.Environment["NOTIFY_SOCKET"] = scratch["notify"];
        start.Environment["WATCHDOG_USEC"] = "200000";
        using DaemonProcess daemon = DaemonProcess.Launch(start).WaitUntilServing();
        using NbdClient client = NbdClient.Connect(scratch["nbd.sock"]);
        Assert.That(client.WriteAt(0, new byte[512]), Is.Zero);
        mount.Freeze();
        try
        {
            client.Send(NbdClient.Write, 0, 0, 512, new byte[512]);
            Deadline.WaitFor(() => FuseMount.IsWaitedForBy(daemon.Id), "the write hangs");
            byte[] message = new byte[4096];
            while (manager.Available > 0)
                manager.Receive(message);
            for (int i = 0; i < 3; i++)
                Next(manager, "WATCHDOG=1");
        }
        finally
        {
            mount.Thaw();
        }
        Assert.That(client.Receive().Error, Is.Zero);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    private static Socket Manager(string path)
    {
        var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)s_stopBound.TotalMilliseconds,
        };
        manager.Bind(new UnixDomainSocketEndPoint(path));
        return manager;
    }

    // Others may come between.
    private static void Next(Socket manager, string word)
    {
        byte[] message = new byte[4096];
        while (!Encoding.UTF8.GetString(message, 0, manager.Receive(message)).Split('\n').Contains(word))
        {
        }
    }

    private static string Far(FuseMount mount) => $$""" "far": { "table": "0 2048 linear {{mount.Path}} 0" },""";
}
