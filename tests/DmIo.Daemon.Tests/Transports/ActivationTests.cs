using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>Sockets that whoever starts the daemon passes to it, as systemd does (sd_listen_fds(3)).</summary>
public sealed class ActivationTests
{
    private static readonly string s_size = $"{64 << 20}";

    // Goal: any number of sockets, Unix and TCP of both families, with their names in the log, and nothing else is opened.
    [Test]
    public void All_sockets_that_are_passed_are_served()
    {
        using var volume = new Volume();
        using SocketKeeper keeper = SocketKeeper.Start(
            [$"unix:{volume.Socket}=disks", "tcp:127.0.0.1=web", "tcp6:::1"], volume.ServedWithoutAddress("--create"));
        keeper.Process.WaitForLog("serving ");
        string[] listening = [.. keeper.Process.LogLines.Where(l => l.Contains("Listening on", StringComparison.Ordinal))];
        Assert.That(listening, Has.Length.EqualTo(3));
        Assert.That(listening[0], Does.EndWith($"Listening on {volume.Socket}, passed as descriptor 3 (\"disks\")"));
        Assert.That(listening[1], Does.Match(@"Listening on 127\.0\.0\.1:\d+, passed as descriptor 4 \(""web""\)$"));
        Assert.That(listening[2], Does.Match(@"Listening on \[::1\]:\d+, passed as descriptor 5$"));
        string[] uris =
        [
            volume.Uri, .. listening[1..].Select(l => $"nbd://{l.Split("Listening on ")[1].Split(',')[0]}/vol0"),
        ];
        foreach (string uri in uris)
            Assert.That(Tool.Run("nbdinfo", "--size", uri).MustSucceed().Output.Trim(), Is.EqualTo(s_size), uri);
        Assert.That(ControlTool.Run(volume.Control, "export", "ls", "--json").Output, Does.Contain($"?socket={volume.Socket}"));
        // The keeper's own two lines alone: whoever passes sockets knows where they are.
        Assert.That(keeper.Process.Output, Does.Not.Contain("export"));
        Assert.That(keeper.Stop(), Is.Zero, keeper.Log);
        Assert.That(File.Exists(volume.Socket), "the socket's file is the keeper's");
    }

    // Goal: what is no listening stream socket is refused, each by its number and name, before anything is made.
    [Test]
    public void Wrong_sockets_are_refused_by_name()
    {
        using var volume = new Volume();
        using SocketKeeper keeper = SocketKeeper.Start(
            [$"mute:{volume.Scratch["mute"]}=a", "udp6:::1=b", $"file:{volume.Scratch["file"]}=c", $"unix:{volume.Socket}=d"],
            volume.ServedWithoutAddress("--create"));
        Assert.That(keeper.Process.WaitForExit(), Is.EqualTo(2));
        string remedy = "; pass a TCP or Unix stream socket that listens, as ListenStream= of a systemd socket unit does";
        Assert.That(keeper.Process.LogLines, Is.EqualTo((string[])
        [
            "dmio-nbd: LISTEN_FDS: descriptor 3 (\"a\") is a socket on which nobody listens (of a systemd socket unit: leave "
                + $"Accept= out){remedy}",
            $"dmio-nbd: LISTEN_FDS: descriptor 4 (\"b\") is a socket for datagrams or packets{remedy}",
            $"dmio-nbd: LISTEN_FDS: descriptor 5 (\"c\") is no socket{remedy}",
        ]));
        Assert.That(volume.Legs.Where(File.Exists), Is.Empty);
    }

    // Goal: what is meant is never guessed: addresses, commands and sockets that are passed do not go together.
    [Test]
    public void Sockets_and_addresses_do_not_go_together()
    {
        using var volume = new Volume();
        string other = volume.Scratch["other.sock"];
        Assert.That(
            Refused(volume, "--unix", other), Does.StartWith(
                $"dmio-nbd: --unix: {other}: sockets were passed as well (LISTEN_FDS), and are all that is listened on; "));
        Assert.That(
            Refused(volume, "--run", "true"), Does.StartWith(
                "dmio-nbd: --run: goes not together with sockets that were passed (LISTEN_FDS); choose one"));
        Assert.That(Refused(volume, "--stdio"), Does.StartWith("dmio-nbd: --stdio: goes not together with sockets"));
        volume.Scratch.Sparse("a.img", 1 << 20);
        string file = volume.Scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "exports": [ { "name": "a", "device": "a.img" } ]
            }
            """);
        using SocketKeeper keeper = SocketKeeper.Start([$"unix:{volume.Scratch["x"]}"], "--config", file);
        Assert.That(keeper.Process.WaitForExit(), Is.EqualTo(2));
        Assert.That(keeper.Log, Does.Contain($"{file}:2: listeners[0].unix: {volume.Scratch["nbd.sock"]}: sockets were passed"));
    }

    // Goal: a file for a socket unit has no listeners: the check before the start takes it, a start without sockets does not.
    [Test]
    public void A_file_without_listeners_wants_sockets()
    {
        using var scratch = new Scratch();
        scratch.Sparse("a.img", 1 << 20);
        string file = scratch.Write("dmio-nbd.json", """{ "exports": [ { "name": "vol0", "device": "a.img" } ] }""");
        ToolResult check = Tool.Run(BuiltProgram.Path, "serve", "--config", file, "--check-config").MustSucceed();
        Assert.That(check.Error, Does.Contain("there is no listener: sockets must be passed").And.Contain("no mistakes found"));
        ToolResult start = Tool.Run(BuiltProgram.Path, "serve", "--config", file);
        Assert.That(start.ExitCode, Is.EqualTo(2));
        Assert.That(start.Error, Does.Contain("listeners: there is none; add"));
        using SocketKeeper keeper =
            SocketKeeper.Start([$"unix:{scratch["s"]}"], "--config", file, "--control", scratch["control"]);
        keeper.Process.WaitForLog("serving ");
        Tool.Run("nbdinfo", $"nbd+unix:///vol0?socket={scratch["s"]}").MustSucceed();
        Assert.That(keeper.Stop(), Is.Zero, keeper.Log);
    }

    // Goal: variables that were meant for another process change nothing, and no child sees them.
    [Test]
    public void Variables_of_another_process_are_passed_over()
    {
        using var volume = new Volume();
        var environment = new Dictionary<string, string?>
        {
            ["LISTEN_FDS"] = "2",
            ["LISTEN_PID"] = "1",
            ["LISTEN_FDNAMES"] = "a:b",
        };
        string[] arguments = volume.ServedWithoutAddress(
            "--create", "--run", "echo ${LISTEN_FDS-none} ${LISTEN_PID-none} ${LISTEN_FDNAMES-none}");
        ToolResult result = Tool.Run(environment, BuiltProgram.Path, ["serve", .. arguments]).MustSucceed();
        Assert.That(result.Output, Is.EqualTo("none none none\n"));
    }

    // Goal: libnbd starts servers so: nbdinfo and nbdcopy with [ ... ], and its own call.
    [Test]
    public void Clients_of_libnbd_start_the_daemon_themselves()
    {
        using var scratch = new Scratch();
        string disk = scratch.Sparse("a.img", 1 << 20);
        string[] serve = [BuiltProgram.Path, "serve", "--linear", disk, "--control", "off", "--log-level", "warning"];
        ToolResult size = Tool.Run("nbdinfo", ["--size", "--", "[", .. serve, "]"]).MustSucceed();
        Assert.That(size.Output, Is.EqualTo($"{1 << 20}\n"));
        Assert.That(size.Error, Is.Empty);
        string copy = scratch["copy.img"];
        Tool.Run(
            "/usr/bin/python3",
            [
                "-c",
                """
                import nbd, sys
                h = nbd.NBD()
                h.connect_systemd_socket_activation(sys.argv[1:])
                h.pwrite(b"x" * 4096, 512)
                h.shutdown()
                """,
                .. serve,
            ]).MustSucceed();
        Tool.Run("nbdcopy", ["--", "[", .. serve, "]", copy]).MustSucceed();
        Tool.Compare(disk, copy);
        Assert.That(File.ReadAllBytes(disk)[512], Is.EqualTo((byte)'x'));
    }

    // Goal: systemd's own launcher, which starts the daemon when the first client comes.
    [Test]
    public void Systemd_socket_activate_starts_the_daemon()
    {
        using var volume = new Volume();
        using DaemonProcess daemon = DaemonProcess.Launch(new System.Diagnostics.ProcessStartInfo(
            "systemd-socket-activate",
            [
                "--listen", volume.Socket, "--fdname=nbd", BuiltProgram.Path, "serve", .. volume.ServedWithoutAddress("--create"),
            ]));
        Deadline.WaitFor(() => File.Exists(volume.Socket) || daemon.HasExited, "the socket");
        Assert.That(Tool.Run("nbdinfo", "--size", volume.Uri).MustSucceed().Output.Trim(), Is.EqualTo(s_size));
        Assert.That(daemon.Log, Does.Contain($"Listening on {volume.Socket}, passed as descriptor 3 (\"nbd\")"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    private static string Refused(Volume volume, params string[] more)
    {
        using SocketKeeper keeper =
            SocketKeeper.Start([$"unix:{volume.Scratch[Guid.NewGuid().ToString("N")[..8]]}"], volume.ServedWithoutAddress(["--create", .. more]));
        Assert.That(keeper.Process.WaitForExit(), Is.EqualTo(2), keeper.Log);
        return keeper.Log;
    }
}
