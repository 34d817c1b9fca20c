using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>SIGHUP: the configuration file is read again while clients are served.</summary>
public sealed class ReloadTests
{
    // Goal: what the file names becomes as it says, from devices up to descriptions, and clients whose export stays stay.
    [Test]
    public void Exports_and_devices_become_as_the_file_says()
    {
        using var it = new ReloadedDaemon("""{ "name": "a", "description": "old" }, { "name": "b" }""");
        using NbdClient stays = NbdClient.Connect(it.Socket, "a");
        using NbdClient goes = NbdClient.Connect(it.Socket, "b");
        Assert.That(goes.WriteAt(0, new byte[512]), Is.Zero);
        it.Write("""
            { "name": "c", "default": true }, { "name": "a", "description": "new", "hidden": true },
            """, devices: ReloadedDaemon.A + ReloadedDaemon.C);
        string[] log = it.Reload();
        Assert.That(log[^1], Does.EndWith(
            "again: export b removed; device b removed; device c added; export a changed; export c added"));
        Assert.That(stays.WriteAt(0, new byte[512]), Is.Zero);
        Assert.That(() => goes.FlushAll(), Throws.Exception, "the client of a removed export");
        Assert.That(it.Listed(), Is.EqualTo(new[] { "c" }));
        Assert.That(it.Lines("export", "ls"), Is.EqualTo(new[]
        {
            "c\tdm:c\t1M\tread-write\t0", "a\tdm:a\t1M\tread-write\t1\thidden",
        }));
        using (NbdClient byDefault = NbdClient.Connect(it.Socket, ""))
            Assert.That(byDefault.WriteAt(0, [.. Enumerable.Repeat((byte)6, 512)]), Is.Zero);
        Assert.That(Tool.Run("nbdinfo", $"nbd+unix:///a?socket={it.Socket}").MustSucceed().Output, Does.Contain("description: new"));
        Assert.That(it.Reload()[^1], Does.EndWith("again: no device and no export has changed"));
        Assert.That(it.Daemon.Stop(), Is.Zero, it.Daemon.Log);
        Assert.That(File.ReadAllBytes(it.Scratch["c.img"])[0], Is.EqualTo(6));
    }

    // Goal: the checks of a start; all mistakes are told with their lines, and nothing has changed by then.
    [Test]
    public void A_file_with_mistakes_changes_nothing()
    {
        using var it = new ReloadedDaemon("""{ "name": "a" }, { "name": "b" }""");
        using NbdClient stays = NbdClient.Connect(it.Socket, "b");
        it.Write(
            """{ "name": "a" }, { "name": "new", "device": "dm:none" }, { "nam": 1 }""", devices: ReloadedDaemon.A,
            more: "\"allow\": { \"addresses\": [ \"10.0.0.1/8\" ] },");
        string[] log = it.Reload(isRefused: true);
        Assert.That(log, Has.Some.Contains("dmio-nbd.json:3: allow.addresses[0]: '10.0.0.1/8' has bits set behind its first 8"));
        Assert.That(log, Has.Some.Contains("exports[2].nam: unknown property 'nam'; did you mean 'name'?"));
        it.Write("""{ "name": "a" }, { "name": "new", "device": "dm:none" }, { "name": "far", "device": "x.img" }""", devices: ReloadedDaemon.A);
        log = it.Reload(isRefused: true);
        Assert.That(log, Has.Some.Contains("exports[1]: dm:none: no mapped device of that name"));
        Assert.That(log, Has.Some.Contains("x.img does not exist"));
        Assert.That(log, Has.Some.Contains("everything stays as it was"));
        it.Scratch.Write("dmio-nbd.json", "{ \"listeners\": ");
        Assert.That(it.Reload(isRefused: true), Has.Some.Contains("no JSON"));
        File.Delete(it.Path);
        Assert.That(it.Reload(isRefused: true), Has.Some.Contains("cannot be read"));
        Assert.That(it.Listed(), Is.EqualTo(new[] { "a", "b" }));
        Assert.That(it.Lines("ls"), Is.EqualTo(new[] { "a", "b" }));
        Assert.That(stays.FlushAll(), Is.Zero);
        it.Write("""{ "name": "b" }""");
        it.Reload();
        Assert.That(it.Listed(), Is.EqualTo(new[] { "b" }));
        Assert.That(stays.FlushAll(), Is.Zero);
    }

    // Goal: nothing is half done in silence: what stays is named, with the verb or the restart that changes it.
    [Test]
    public void What_cannot_change_while_serving_is_named()
    {
        using var it = new ReloadedDaemon("""{ "name": "a" }, { "name": "b" }""");
        it.Write(
            """{ "name": "a" }, { "name": "b" }, { "name": "c" }""", "\"ioBackend\": \"threads\", \"limits\": { \"maxBytesInFlightPerLoop\": \"100M\" }, \"lockMemory\": true,",
            """ "a": { "table": "0 1024 linear a.img 0" }, "b": { "table": "0   2048 linear b.img 0 # the same" }, """ + ReloadedDaemon.C,
            "other.sock");
        string[] log = it.Reload();
        Assert.That(log, Has.Some.Contains("listeners: where clients are let in stays as it is; restart the daemon to change it"));
        Assert.That(log, Has.Some.Contains("ioBackend: how I/O is done stays"));
        Assert.That(log, Has.Some.Contains("limits: what all connections of a loop share"));
        Assert.That(log, Has.Some.Contains("lockMemory: whether memory is locked stays as it is; restart the daemon to change it"));
        Assert.That(log, Has.Some.Contains("dmio-nbd.json:4: devices.a.table: a goes on with the table that it has; load the other one "
            + "(dmio-nbd reload a --table FILE, then dmio-nbd resume a), or restart the daemon"));
        Assert.That(log, Has.None.Contains("b goes on"));
        Assert.That(log[^1], Does.EndWith("device c added; export c added"));
        Assert.That(it.Lines("table", "a"), Is.EqualTo(new[] { "0 2048 linear a.img 0" }));
        string table = it.Scratch.Write("table", "0 2048 linear c.img 0");
        it.Run("export", "remove", "c").MustSucceed();
        it.Run("remove", "c").MustSucceed();
        it.Write("""{ "name": "a" }, { "name": "b" }""");
        it.Run("reload", "b", "--table", table).MustSucceed();
        it.Run("resume", "b").MustSucceed();
        Assert.That(it.Reload(), Has.Some.Contains("b goes on with the table that it was given while serving"));
    }

    // Goal: the file rules what it names, and leaves alone what it never named.
    [Test]
    public void What_came_over_the_control_socket_stays_unless_the_file_names_it()
    {
        using var it = new ReloadedDaemon("""{ "name": "a" }, { "name": "b" }""");
        string table = it.Scratch.Write("table", $"0 2048 linear {it.Scratch["c.img"]} 0");
        it.Run("create", "c", "--table", table).MustSucceed();
        it.Run("export", "add", "c", "--hidden").MustSucceed();
        it.Run("export", "add", "second", "--device", "dm:a", "--read-only").MustSucceed();
        it.Run("export", "remove", "b").MustSucceed();
        using NbdClient client = NbdClient.Connect(it.Socket, "c");
        Assert.That(it.Reload()[^1], Does.EndWith("again: export b added"));
        Assert.That(it.Listed(), Is.EqualTo(new[] { "a", "b", "second" }));
        Assert.That(client.FlushAll(), Is.Zero);
        // An export of the control socket holds a device that the file names no longer.
        it.Write("""{ "name": "b" }""", devices: ReloadedDaemon.B);
        string[] log = it.Reload();
        Assert.That(log, Has.Some.Contains("device a: a: is in use: it is exported as 'second' (export remove second); end that first"));
        Assert.That(log[^1], Does.EndWith("again: export a removed"));
        it.Run("export", "remove", "second").MustSucceed();
        Assert.That(it.Reload()[^1], Does.EndWith("again: device a removed"));
        // Named by the file at last: it is the file's from now on.
        it.Write("""{ "name": "b" }, { "name": "c" }""", devices: ReloadedDaemon.B);
        log = it.Reload();
        Assert.That(log, Has.Some.Contains("exports[1]: dm:c is served, and a restart will not find it: put it into the file as well"));
        Assert.That(log[^1], Does.EndWith("again: export c changed"));
        it.Write("""{ "name": "b" }, { "name": "c" }""", devices: ReloadedDaemon.B + " \"c\": { \"table\": \"0 2048 linear "
            + it.Scratch["c.img"] + " 0\" },");
        Assert.That(it.Reload(), Has.Length.EqualTo(1).And.Some.EndsWith("again: no device and no export has changed"));
        it.Write("""{ "name": "b" }""", devices: ReloadedDaemon.B);
        Assert.That(it.Reload()[^1], Does.EndWith("again: export c removed; device c removed"));
        Assert.That(() => client.FlushAll(), Throws.Exception);
        Assert.That(it.Daemon.Stop(), Is.Zero, it.Daemon.Log);
    }

    // Goal: a name that the file once had, and that was removed and made anew over the control socket, is the file's no more.
    [Test]
    public void What_was_made_anew_over_the_control_socket_is_not_the_files()
    {
        using var it = new ReloadedDaemon("""{ "name": "a" }, { "name": "b" }""");
        it.Run("export", "remove", "b").MustSucceed();
        it.Run("remove", "b").MustSucceed();
        it.Run("create", "b", "--table", it.Scratch.Write("table", $"0 2048 linear {it.Scratch["c.img"]} 0")).MustSucceed();
        it.Run("export", "add", "b").MustSucceed();
        it.Write("""{ "name": "a" }""", devices: ReloadedDaemon.A);
        Assert.That(it.Reload()[^1], Does.EndWith("again: no device and no export has changed"));
        Assert.That(it.Listed(), Is.EqualTo(new[] { "a", "b" }));
    }

    // Goal: who was told that it may write must hear that it may not; its next connection does.
    [Test]
    public void Clients_are_let_go_when_what_they_were_told_changes()
    {
        using var it = new ReloadedDaemon("""{ "name": "a" }, { "name": "b" }""");
        using NbdClient before = NbdClient.Connect(it.Socket, "a");
        using NbdClient other = NbdClient.Connect(it.Socket, "b");
        it.Write("""{ "name": "a", "readOnly": true }, { "name": "b" }""");
        Assert.That(it.Reload()[^1], Does.EndWith("again: export a changed, its clients were let go"));
        Assert.That(() => before.FlushAll(), Throws.Exception);
        Assert.That(other.FlushAll(), Is.Zero);
        using NbdClient after = NbdClient.Connect(it.Socket, "");
        const ushort readOnly = 2;
        Assert.That(after.Flags & readOnly, Is.Not.Zero, "the first export is the default still, and read-only");
    }

    // Goal: a volume that gets another device, perhaps of the same file, has it by one reload.
    [Test]
    public void An_export_moves_to_another_device_while_its_own_goes()
    {
        using var it = new ReloadedDaemon("""{ "name": "a" }, { "name": "b" }""");
        using (NbdClient before = NbdClient.Connect(it.Socket, "a"))
        {
            Assert.That(before.WriteAt(0, [.. Enumerable.Repeat((byte)7, 512)]), Is.Zero);
            it.Write(
                """{ "name": "a", "device": "dm:new" }, { "name": "b" }""",
                devices: """ "new": { "table": "0 2048 linear a.img 0" },""" + ReloadedDaemon.B);
            string[] log = it.Reload();
            Assert.That(log, Has.None.Contains(" ERR ").And.None.Contains(" WRN "));
            Assert.That(log[^1], Does.EndWith(
                "again: device a removed; device new added; export a changed, its clients were let go"));
            Assert.That(() => before.FlushAll(), Throws.Exception);
        }
        Assert.That(it.Listed(), Is.EqualTo(new[] { "a", "b" }));
        using NbdClient after = NbdClient.Connect(it.Socket, "");
        Assert.That(after.ReadAt(0, 512, out byte[] data), Is.Zero);
        Assert.That(data, Is.All.EqualTo((byte)7));
        Assert.That(it.Reload()[^1], Does.EndWith("again: no device and no export has changed"));
    }

    // Goal: an export that is removed is gone within seconds, whatever its clients do, and others do not notice.
    [Test]
    public void Clients_of_a_removed_export_are_finished_within_a_bound_even_those_that_never_read()
    {
        using var it = new ReloadedDaemon("""{ "name": "a" }, { "name": "b" }""");
        using NbdClient other = NbdClient.Connect(it.Socket, "a");
        NbdClient[] deaf = [.. Enumerable.Range(0, 4).Select(_ => NbdClient.Connect(it.Socket, "b"))];
        foreach (NbdClient client in deaf)
        {
            for (int i = 0; i < 16; i++)
                client.Send(NbdClient.Read, 0, 0, 1 << 20);
        }
        Deadline.WaitFor(() => deaf.All(client => client.HasUnread), "an answer that each of them does not read");
        it.Write("""{ "name": "a" }""", devices: ReloadedDaemon.A);
        var watch = Stopwatch.StartNew();
        it.Daemon.Signal("HUP");
        while (!it.Daemon.Log.Contains("export b removed", StringComparison.Ordinal))
        {
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(20)), it.Daemon.Log);
            Assert.That(other.WriteAt(0, new byte[512]), Is.Zero);
        }
        Assert.That(it.Daemon.Log, Does.Contain("export \"b\" was removed: 4 connections were cut off"));
        Assert.That(it.Daemon.Log, Does.Contain("device b removed"));
        Assert.That(it.Lines("connections"), Has.Length.EqualTo(1));
        foreach (NbdClient client in deaf)
            client.Dispose();
    }

    // Goal: limits, allow lists and the log's level hold for those who come; who is there stays.
    [Test]
    public void Limits_allow_lists_and_the_logs_level_are_taken()
    {
        using var it = new ReloadedDaemon("""{ "name": "a" }, { "name": "b" }""");
        using NbdClient stays = NbdClient.Connect(it.Socket, "a");
        const string exports = """{ "name": "a" }, { "name": "b" }""";
        it.Write(exports, "\"allow\": { \"uids\": [ 4294967294 ] },");
        it.Reload();
        Assert.That(() => NbdClient.Connect(it.Socket, "a"), Throws.Exception);
        it.Daemon.WaitForLog("refused, it is not among those who are allowed");
        it.Write(exports, "\"limits\": { \"maxConnectionsPerPeer\": 1 },");
        it.Reload();
        Assert.That(() => NbdClient.Connect(it.Socket, "a"), Throws.Exception);
        it.Daemon.WaitForLog("1 connections of user ");
        it.Write(exports, "\"logLevel\": \"debug\",");
        it.Reload();
        using (NbdClient another = NbdClient.Connect(it.Socket, "a"))
            Assert.That(another.FlushAll(), Is.Zero);
        it.Write(exports, "\"logLevel\": \"error\",");
        int from = it.Daemon.Log.Length;
        it.Daemon.Signal("HUP");
        Deadline.WaitFor(() => ServesSilently(it), "information that is not logged any more");
        Assert.That(stays.FlushAll(), Is.Zero);
        Assert.That(it.Run("daemon").ExitCode, Is.Not.Zero);
        string document = ControlTool.Curl(it.Scratch["control.sock"], "/v1/daemon").Body;
        Assert.That(document, Does.Contain("\"notAllowed\":1").And.Contain("\"tooManyOfPeer\":1"));
        Assert.That(from, Is.Positive);
    }

    private static bool ServesSilently(ReloadedDaemon it)
    {
        int before = it.Daemon.Log.Length;
        using (NbdClient client = NbdClient.Connect(it.Socket, "a"))
            client.FlushAll();
        // Whoever comes next is logged behind it.
        NbdClient.Connect(it.Socket, "a").Dispose();
        return it.Daemon.Log.Length == before;
    }

    // Goal: the service manager knows when it is done: sd_notify(3), Type=notify-reload.
    [Test]
    public void The_service_manager_is_told()
    {
        using var scratch = new Scratch();
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)Deadline.Usual.TotalMilliseconds,
        };
        manager.Bind(new UnixDomainSocketEndPoint(scratch["notify"]));
        using var it = new ReloadedDaemon("""{ "name": "a" }""", launch: config => DaemonProcess.Launch(
            new ProcessStartInfo("env", [$"NOTIFY_SOCKET={scratch["notify"]}", BuiltProgram.Path, "serve", "--config", config]))
            .WaitUntilServing());
        Assert.That(Next(), Does.StartWith("READY=1\nSTATUS=serving 1 export"));
        it.Write("""{ "name": "a" }, { "name": "b" }""");
        long before = MonotonicMicroseconds();
        it.Reload();
        string[] reloading = Next().Split('\n');
        Assert.That(reloading[0], Is.EqualTo("RELOADING=1"));
        Assert.That(reloading[1], Does.StartWith("MONOTONIC_USEC="));
        Assert.That(long.Parse(reloading[1].Split('=')[1]), Is.InRange(before, MonotonicMicroseconds()));
        Assert.That(Next(), Does.StartWith("READY=1\nSTATUS=serving 2 exports"));
        it.Scratch.Write("dmio-nbd.json", "{");
        it.Reload(isRefused: true);
        Assert.That(Next(), Does.StartWith("RELOADING=1"));
        Assert.That(Next(), Does.StartWith("READY=1\nSTATUS=").And.Contain("has mistakes: everything stays as it was"));

        string Next()
        {
            byte[] message = new byte[4096];
            return Encoding.UTF8.GetString(message, 0, manager.Receive(message));
        }
    }

    // Goal: without a file there is little to read, and the daemon says so and serves on.
    [Test]
    public void Without_a_file_certificates_alone_are_read_again()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve();
        daemon.Signal("HUP");
        daemon.WaitForLog("SIGHUP: there is nothing to read again, neither a configuration file (--config) nor certificates");
        using (NbdClient client = NbdClient.Connect(volume.Socket))
            Assert.That(client.FlushAll(), Is.Zero);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    // Goal: a file whose listeners are none of this daemon's is told nothing of them.
    [Test]
    public void Sockets_that_were_passed_are_no_change()
    {
        using var scratch = new Scratch();
        scratch.Sparse("a.img", 1 << 20);
        string file = scratch.Write("dmio-nbd.json", """{ "exports": [ { "name": "a", "device": "a.img" } ] }""");
        using SocketKeeper keeper = SocketKeeper.Start(
            [$"unix:{scratch["nbd.sock"]}"], "--config", file, "--control", scratch["control.sock"]);
        keeper.Process.WaitForLog("serving ");
        Tool.Run("kill", "-HUP", $"{keeper.DaemonId}").MustSucceed();
        keeper.Process.WaitForLog("again: no device and no export has changed");
        Assert.That(keeper.Log, Does.Not.Contain("listeners"));
        Assert.That(keeper.Stop(), Is.Zero, keeper.Log);
    }

    // Goal: nor is one that serves a command.
    [Test]
    public void A_commands_socket_is_no_change()
    {
        using var scratch = new Scratch();
        scratch.Sparse("a.img", 1 << 20);
        string file = scratch.Write(
            "dmio-nbd.json",
            """{ "listeners": [ { "unix": "nbd.sock" } ], "exports": [ { "name": "a", "device": "a.img" } ] }""");
        using DaemonProcess daemon = DaemonProcess.Launch(
            "serve", "--config", file, "--log-level", "information", "--run", "echo begun; exec sleep 1000 > /dev/null 2>&1");
        Deadline.WaitFor(() => daemon.Output.Contains("begun", StringComparison.Ordinal) || daemon.HasExited, "the command");
        daemon.Signal("HUP");
        daemon.WaitForLog("again: no device and no export has changed");
        Assert.That(daemon.Log, Does.Not.Contain("listeners"));
        daemon.Stop();
    }

    private static long MonotonicMicroseconds() => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
}
