using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>How the daemon starts, what it says of itself, and what is left when it cannot start.</summary>
public sealed class StartTests
{
    [Test]
    public void With_nothing_at_all_it_serves_a_mirror_of_two_files_of_the_users_own()
    {
        using var scratch = new Scratch();
        using DaemonProcess daemon = LaunchDefault(scratch).WaitUntilServing();
        string[] legs = [scratch["state/dmio-nbd/leg0.img"], scratch["state/dmio-nbd/leg1.img"]];
        string socket = scratch["run/dmio-nbd/nbd.sock"];
        Assert.That(daemon.Output, Is.EqualTo($"""
            export 'vol0': 1G, read-write
              nbd://127.0.0.1:10809/vol0
              nbd+unix:///vol0?socket={socket}
              nbd-client -unix {socket} /dev/nbd0 -name vol0

            """));
        foreach (string leg in legs)
        {
            Assert.That(new FileInfo(leg).Length, Is.EqualTo(1L << 30));
            Assert.That(File.GetUnixFileMode(leg), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            string blocks = Tool.Run("stat", "--format=%b", leg).MustSucceed().Output;
            Assert.That(int.Parse(blocks, CultureInfo.InvariantCulture), Is.LessThan(16), "not sparse");
        }
        string[] uris = [$"nbd+unix:///vol0?socket={socket}", $"nbd+unix:///?socket={socket}"];
        foreach (string uri in uris)
            Assert.That(Tool.Run("nbdinfo", "--size", uri).MustSucceed().Output.Trim(), Is.EqualTo($"{1L << 30}"));
        using (NbdClient client = NbdClient.Connect(socket))
            Assert.That(client.WriteAt(512, new byte[4096].Select(_ => (byte)7).ToArray()), Is.Zero);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        Tool.Compare(legs[0], legs[1]);
        Assert.That(File.Exists(socket), Is.False, "the socket is left behind");

        using DaemonProcess again = LaunchDefault(scratch).WaitUntilServing();
        using (NbdClient client = NbdClient.Connect(socket))
        {
            Assert.That(client.ReadAt(512, 4096, out byte[] back), Is.Zero);
            Assert.That(back, Is.All.EqualTo(7));
        }
        Assert.That(again.Stop(), Is.Zero, again.Log);
    }

    [Test]
    public void The_log_tells_backend_table_and_status_once()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve("--io-backend", "threads");
        Assert.That(daemon.LogLines, Has.Exactly(1).Contains("I/O backend: threads"));
        string legs = string.Join(' ', volume.Legs.Select(l => l + " 0"));
        Assert.That(daemon.LogLines, Has.Exactly(1).EndsWith(
            $"vol0: table 0 131072 mirror core 1 1024 2 {legs} 1 handle_errors"));
        Assert.That(daemon.LogLines, Has.Exactly(1).EndsWith(
            $"vol0: 0 131072 mirror 2 {string.Join(' ', volume.Legs)} 128/128 1 AA 1 core"));
        Assert.That(daemon.Output, Does.Contain($"nbd-client -unix {volume.Socket} /dev/nbd0 -name vol0"));
        Assert.That(daemon.Stop(), Is.Zero);
    }

    // Goal: a log is made as long as it has to be for log and record, found again, and shown as the kernel shows it.
    [Test]
    public void A_log_is_made_and_kept()
    {
        using var volume = new Volume();
        string log = volume.Scratch["log.img"];
        DaemonProcess daemon = volume.Serve("--log", log);
        Assert.That(new FileInfo(log).Length, Is.EqualTo(60 << 10));
        Assert.That(daemon.LogLines, Has.Exactly(1).Contains($"128/128 1 AA 3 disk {log} A"));
        Assert.That(daemon.LogLines, Has.Exactly(1).Contains($"table 0 131072 mirror disk 2 {log} 1024 2 "));
        using (NbdClient client = NbdClient.Connect(volume.Socket))
            Assert.That(client.WriteAt(1 << 20, new byte[512]), Is.Zero);
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        Assert.That(File.ReadAllBytes(log).AsSpan(0, 8).ToArray(), Is.EqualTo("rRiM\u0002\0\0\0"u8.ToArray()));
        Assert.That(Directory.EnumerateFileSystemEntries(volume.Scratch["state"]), Is.Empty, "kept where it is not needed");

        DaemonProcess again = volume.Serve("--log", log);
        Assert.That(again.Log, Does.Contain("128/128 1 AA 3 disk").And.Not.Contain("new mirror"));
        Assert.That(again.Stop(), Is.Zero, again.Log);
    }

    // Goal: a mirror goes on without a leg when it is told to, and gives it what it lacks when it is there again.
    [TestCase]
    [TestCase("--log", "LOG")]
    public void A_mirror_serves_without_a_leg_when_told_to(params string[] more)
    {
        using var volume = new Volume();
        more = [.. more.Select(word => word == "LOG" ? volume.Scratch["log.img"] : word)];
        byte[] data = [.. Enumerable.Repeat((byte)7, 4096)];
        Assert.That(volume.Serve(more).Stop(), Is.Zero);
        File.Move(volume.Legs[1], volume.Legs[1] + ".away");
        DaemonProcess degraded = DaemonProcess.Serve([.. volume.Arguments, "--degraded", .. more]);
        using (degraded)
        {
            Assert.That(degraded.Log, Does.Contain($"leg 1 {volume.Legs[1]} is missing: ").And.Match(@"mirror 2 .* 1 AD\b"));
            using (NbdClient client = NbdClient.Connect(volume.Socket))
                Assert.That(client.WriteAt(1 << 20, data), Is.Zero);
            Assert.That(degraded.Stop(), Is.Zero, degraded.Log);
        }
        File.Move(volume.Legs[1] + ".away", volume.Legs[1]);
        DaemonProcess whole = volume.Serve(more);
        whole.WaitForLog($"leg 1 {volume.Legs[1]} is in sync");
        Assert.That(whole.Stop(), Is.Zero, whole.Log);
        volume.CompareLegs();

        // The other way round: what only the leg that is missing holds is not given up unless that is said.
        File.Move(volume.Legs[0], volume.Legs[0] + ".away");
        using (DaemonProcess second = DaemonProcess.Serve([.. volume.Arguments, "--degraded", .. more]))
        {
            using (NbdClient client = NbdClient.Connect(volume.Socket))
                Assert.That(client.WriteAt(2 << 20, data), Is.Zero);
            Assert.That(second.Stop(), Is.Zero, second.Log);
        }
        File.Move(volume.Legs[0] + ".away", volume.Legs[0]);
        File.Move(volume.Legs[1], volume.Legs[1] + ".away");
        string[] alone = ["serve", .. volume.Arguments, "--degraded", .. more];
        ToolResult refused = Tool.Run(BuiltProgram.Path, alone);
        Assert.That(refused.ExitCode, Is.EqualTo(2), refused.Error);
        Assert.That(refused.Error, Does.Contain("--sync-from LEG --force"));
        using DaemonProcess forced =
            DaemonProcess.Serve([.. volume.Arguments, "--degraded", .. more, "--sync-from", "0", "--force"]);
        using (NbdClient client = NbdClient.Connect(volume.Socket))
        {
            Assert.That(client.ReadAt(2 << 20, data.Length, out byte[] back), Is.Zero);
            Assert.That(back, Is.All.Zero);
        }
        Assert.That(forced.Stop(), Is.Zero, forced.Log);
    }

    [Test]
    public void TCP_listeners_of_both_families_tell_the_ports_that_they_got()
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve("--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--export", "a b");
        string[] lines = [.. daemon.Output.Split('\n').Select(l => l.Trim())];
        string[] uris = [.. lines.Where(l => l.StartsWith("nbd", StringComparison.Ordinal))];
        Assert.That(uris, Has.Length.EqualTo(4));
        foreach (string uri in uris[..3])
            Assert.That(Tool.Run("nbdinfo", "--size", uri).MustSucceed().Output.Trim(), Is.EqualTo($"{64 << 20}"), uri);
        Assert.That(uris[3], Is.EqualTo($"nbd-client -unix {volume.Socket} /dev/nbd0 -name 'a b'"));
    }

    [Test]
    public void Systemd_is_told_when_it_serves_and_when_it_stops()
    {
        using var volume = new Volume();
        string path = volume.Scratch["notify"];
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)Deadline.Usual.TotalMilliseconds,
        };
        manager.Bind(new UnixDomainSocketEndPoint(path));
        var start = new ProcessStartInfo(BuiltProgram.Path, ["serve", .. volume.Arguments, "--create"]);
        start.Environment["NOTIFY_SOCKET"] = path;
        using DaemonProcess daemon = DaemonProcess.Launch(start);
        Assert.That(Receive(manager), Does.StartWith("READY=1\n").And.Contain("STATUS=serving 1 export, I/O by "));
        daemon.Signal("TERM");
        Assert.That(Receive(manager), Does.StartWith("STOPPING=1\n"));
        Assert.That(daemon.WaitForExit(), Is.Zero);
    }

    [Test]
    public void The_journal_gets_priorities()
    {
        using var volume = new Volume();
        string log = volume.Scratch["journal"];
        string[] shell =
        [
            "-c", "log=$1; shift; exec 2>\"$log\"; export JOURNAL_STREAM=$(stat -Lc %d:%i \"$log\"); exec \"$@\"", "sh", log,
            BuiltProgram.Path, "serve", .. volume.Arguments, "--create",
        ];
        using DaemonProcess daemon = DaemonProcess.Launch(new ProcessStartInfo("sh", shell));
        Deadline.WaitFor(
            () => File.Exists(log) && File.ReadAllText(log).Contains("serving ", StringComparison.Ordinal), "serving");
        Assert.That(daemon.Stop(), Is.Zero);
        Assert.That(File.ReadAllLines(log), Is.All.Match("^<[3-7]>"));
    }

    [Test]
    public void Legs_in_use_are_refused_to_a_second_daemon()
    {
        using var volume = new Volume();
        DaemonProcess first = volume.Serve();
        string[] arguments =
        [
            "serve", "--mirror", .. volume.Legs, "--unix", volume.Scratch["other.sock"],
            "--state-dir", volume.Scratch["state"],
        ];
        ToolResult second = Tool.Run(BuiltProgram.Path, arguments);
        Assert.That(second.ExitCode, Is.EqualTo(1));
        foreach (string leg in volume.Legs)
            Assert.That(second.Error, Does.Contain($"dmio-nbd: {leg}: in use"));
        Assert.That(first.Stop(), Is.Zero, first.Log);
    }

    [Test]
    public void A_socket_or_port_in_use_is_an_error_that_leaves_nothing_behind()
    {
        using var volume = new Volume();
        DaemonProcess first = volume.Serve("--listen", "127.0.0.1:0");
        string uri = first.Output.Split('\n').First(l => l.Contains("nbd://", StringComparison.Ordinal));
        string port = uri.Split(':', '/')[^2];
        using var scratch = new Scratch();
        string[][] taken = [["--unix", volume.Socket], ["--unix", scratch["b.sock"], "--listen", $"127.0.0.1:{port}"]];
        foreach (string[] listeners in taken)
        {
            ToolResult second = Tool.Run(BuiltProgram.Path,
                ["serve", "--mirror", scratch["c.img"], scratch["d.img"], "--create", "--size", "1M", "--state-dir",
                    scratch["state/of/mirrors"], .. listeners]);
            Assert.That(second.ExitCode, Is.EqualTo(1), second.Error);
            Assert.That(second.Error, Does.Contain(listeners[^1]));
            Assert.That(second.Output, Is.Empty);
            Assert.That(Directory.EnumerateFileSystemEntries(scratch.Directory), Is.Empty);
        }
        Assert.That(Tool.Run("nbdinfo", "--size", volume.Uri).MustSucceed().Output.Trim(), Is.EqualTo($"{64 << 20}"));
        Assert.That(first.Stop(), Is.Zero, first.Log);
    }

    [Test]
    public void A_socket_that_a_killed_daemon_left_is_replaced()
    {
        using var volume = new Volume();
        volume.Serve().Kill();
        Assert.That(File.Exists(volume.Socket));
        DaemonProcess again = volume.Serve();
        Tool.Run("nbdinfo", volume.Uri).MustSucceed();
        Assert.That(again.Stop(), Is.Zero, again.Log);
    }

    [TestCase("INT")]
    [TestCase("TERM")]
    public void A_signal_ends_it_with_status_0(string signal)
    {
        using var volume = new Volume();
        DaemonProcess daemon = volume.Serve();
        daemon.Signal(signal);
        Assert.That(daemon.WaitForExit(TimeSpan.FromSeconds(10)), Is.Zero);
        Assert.That(daemon.Log, Does.Contain("stopped: everything is flushed and closed"));
    }

    // Goal: SIGHUP of a terminal that is closed is no request to read the configuration again.
    [Test]
    public void It_stops_in_good_order_when_its_terminal_is_closed()
    {
        using var volume = new Volume();
        string log = volume.Scratch["log"];
        int id;
        using (var terminal = new Terminal(volume.Scratch, "closed"))
        {
            terminal.Type($"{BuiltProgram.Path} serve {string.Join(' ', volume.Arguments)} --create 2> {log}");
            Deadline.WaitFor(() => File.Exists(log) && File.ReadAllText(log).Contains("serving ", StringComparison.Ordinal), "a daemon that serves");
            id = int.Parse(Tool.Run("pgrep", "-f", $"dmio-nbd serve .*{volume.Socket}").MustSucceed().Output);
            Tool.Run("kill", "-HUP", $"{id}").MustSucceed();
            Deadline.WaitFor(() => File.ReadAllText(log).Contains("nothing to read again", StringComparison.Ordinal), "a reload, while the terminal is there");
        }
        Deadline.WaitFor(() => !Directory.Exists($"/proc/{id}"), "the end of the daemon");
        Assert.That(File.ReadAllText(log), Does.Contain("the terminal is gone").And.Contain("stopped: everything is flushed and closed"));
    }

    [Test]
    public void Under_nohup_it_outlives_its_terminal()
    {
        using var volume = new Volume();
        string[] command = ["nohup", BuiltProgram.Path, "serve", .. volume.Arguments, "--create"];
        using DaemonProcess daemon = DaemonProcess.Launch(new ProcessStartInfo("env", command)).WaitUntilServing();
        daemon.Signal("HUP");
        using (NbdClient client = NbdClient.Connect(volume.Socket))
            Assert.That(client.WriteAt(0, new byte[512]), Is.Zero);
        Assert.That(daemon.Stop(), Is.Zero);
    }

    [Test]
    public void Idle_it_takes_less_than_64_MiB()
    {
        using var volume = new Volume("1G");
        var watch = Stopwatch.StartNew();
        DaemonProcess daemon = volume.Serve();
        TimeSpan start = watch.Elapsed;
        long mebibytes = daemon.ResidentBytes() >> 20;
        TestContext.Out.WriteLine($"serving after {start.TotalMilliseconds:F0} ms, {mebibytes} MiB resident");
        Assert.That(mebibytes, Is.LessThan(64));
    }

    // In a network of its own as root, so that the well-known port is free; as another user, so that it has a home.
    private static DaemonProcess LaunchDefault(Scratch scratch)
    {
        Directory.CreateDirectory(scratch["state"]);
        Directory.CreateDirectory(scratch["run"]);
        string[] environment =
        [
            $"HOME={scratch.Directory}", $"XDG_STATE_HOME={scratch["state"]}", $"XDG_RUNTIME_DIR={scratch["run"]}",
        ];
        if (!Environment.IsPrivilegedProcess)
            return DaemonProcess.Launch(new ProcessStartInfo("env", [.. environment, BuiltProgram.Path]));
        const string nobody = "65534";
        Tool.Run("chown", "-R", $"{nobody}:{nobody}", scratch.Directory).MustSucceed();
        return DaemonProcess.Launch(new ProcessStartInfo("unshare",
        [
            "--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh",
            "setpriv", $"--reuid={nobody}", $"--regid={nobody}", "--clear-groups", "env", .. environment,
            BuiltProgram.Path,
        ]));
    }

    private static string Receive(Socket socket)
    {
        byte[] buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }
}
