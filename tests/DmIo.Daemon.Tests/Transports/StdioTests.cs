using System.Diagnostics;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>One client on standard input.</summary>
public sealed class StdioTests
{
    // A client's handshake, and a read of more than any pipe holds, up to the first byte of its answer.
    private const string Asking = """
        import os, socket, struct, subprocess, sys
        def ask(read, write):
            assert os.read(read, 18)[:8] == b"NBDMAGIC"
            os.write(write, struct.pack(">I8sII", 3, b"IHAVEOPT", 1, 0))
            assert os.read(read, 10)[:8] == struct.pack(">Q", 64 << 20)
            os.write(write, struct.pack(">IHHQQI", 0x25609513, 0, 0, 1, 0, 16 << 20))
            assert os.read(read, 1) == b"\x67"
        """;

    // Goal: a socket as standard input and output, as libnbd gives one: the daemon serves it, says nothing beside the
    // protocol, and ends with it, its legs alike.
    [Test]
    public void A_client_that_starts_the_daemon_is_served_alone()
    {
        using var volume = new Volume();
        string[] serve = [BuiltProgram.Path, "serve", .. volume.ServedWithoutAddress("--create", "--stdio")];
        const string script = """
            import nbd, socket, subprocess, sys
            ours, its = socket.socketpair()
            daemon = subprocess.Popen(sys.argv[1:], stdin=its, stdout=its, stderr=subprocess.PIPE)
            its.close()
            h = nbd.NBD()
            h.connect_socket(ours.detach())
            data = bytes(range(256)) * 4096
            h.pwrite(data, 1 << 20)
            assert h.pread(len(data), 1 << 20) == data
            h.shutdown()
            errors = daemon.communicate()[1]
            assert daemon.returncode == 0, daemon.returncode
            assert errors == b"", errors
            """;
        Tool.Run("/usr/bin/python3", ["-c", script, .. serve]).MustSucceed();
        volume.CompareLegs();
        // The interpreter that the package is for, whatever else is installed.
        var path = new Dictionary<string, string?> { ["PATH"] = $"/usr/bin:{Environment.GetEnvironmentVariable("PATH")}" };
        Tool.Run(path, "nbdsh", "-c", $"h.connect_command({Python(serve)})", "-c", "assert h.pread(2, 1 << 20) == b'\\x00\\x01'")
            .MustSucceed();
        using DaemonProcess again = volume.Serve();
        Assert.That(again.Log, Does.Not.Contain("not stopped cleanly"));
    }

    // Goal: a client that just goes is an end, too.
    [Test]
    public void A_client_that_goes_without_a_word_ends_the_daemon()
    {
        using var volume = new Volume();
        string[] serve = [BuiltProgram.Path, "serve", .. volume.ServedWithoutAddress("--create", "--stdio")];
        const string script = """
            import socket, subprocess, sys
            ours, its = socket.socketpair()
            daemon = subprocess.Popen(sys.argv[1:], stdin=its, stdout=its)
            its.close()
            assert ours.recv(18, socket.MSG_WAITALL)[:8] == b"NBDMAGIC"
            ours.close()
            sys.exit(daemon.wait())
            """;
        Assert.That(Tool.Run("/usr/bin/python3", ["-c", script, .. serve]).MustSucceed().Error, Is.Empty);
    }

    // Goal: pipes, as a remote shell gives them.
    [Test]
    public void Pipes_are_served_as_well()
    {
        using var volume = new Volume();
        var start = new ProcessStartInfo(
            "bash", ["-o", "pipefail", "-c", "cat | \"$@\" | cat", "sh", BuiltProgram.Path, "serve", .. volume.ServedWithoutAddress("--create", "--stdio")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using Process shell = Process.Start(start)!;
        using var client = new BinaryReader(shell.StandardOutput.BaseStream);
        using Stream toDaemon = shell.StandardInput.BaseStream;
        Assert.That(client.ReadBytes(18), Has.Length.EqualTo(18));
        // Flags; then EXPORT_NAME without a name.
        toDaemon.Write([0, 0, 0, 3, .. "IHAVEOPT"u8, 0, 0, 0, 1, 0, 0, 0, 0]);
        toDaemon.Flush();
        byte[] export = client.ReadBytes(10);
        Assert.That(export[..8], Is.EqualTo((byte[])[0, 0, 0, 0, 4, 0, 0, 0]));
        byte[] payload = [.. Enumerable.Repeat((byte)9, 1 << 20)];
        toDaemon.Write(
            [0x25, 0x60, 0x95, 0x13, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0x10, 0, 0, .. payload]);
        toDaemon.Flush();
        Assert.That(client.ReadBytes(16), Is.EqualTo((byte[])[0x67, 0x44, 0x66, 0x98, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]));
        toDaemon.Write([0x25, 0x60, 0x95, 0x13, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 9, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0x10, 0, 0]);
        toDaemon.Flush();
        Assert.That(client.ReadBytes(16), Is.EqualTo((byte[])[0x67, 0x44, 0x66, 0x98, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 9]));
        Assert.That(client.ReadBytes(1 << 20), Is.EqualTo(payload));
        toDaemon.Close();
        Assert.That(client.ReadBytes(1), Is.Empty, "more than the protocol");
        Assert.That(shell.WaitForExit(Deadline.Usual));
        volume.CompareLegs();
    }

    // Goal: a client that dies in the middle of an answer is an end, however much is still to be sent: of its output alone,
    // too.
    [TestCase("both")]
    [TestCase("output")]
    public void A_client_that_dies_while_it_reads_ends_the_daemon(string closed)
    {
        using var volume = new Volume();
        string[] serve = [BuiltProgram.Path, "serve", .. volume.ServedWithoutAddress("--create", "--stdio")];
        const string script = Asking + """

            daemon = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            read, write = daemon.stdout.fileno(), daemon.stdin.fileno()
            ask(read, write)
            os.close(read)
            if sys.argv[1] == "both":
                os.close(write)
            try:
                # Less than the server gives a client that takes nothing.
                sys.exit(daemon.wait(timeout=20))
            finally:
                daemon.kill()
            """;
        ToolResult result = Tool.Run("/usr/bin/python3", ["-c", script, closed, .. serve]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        volume.CompareLegs();
    }

    // Goal: a signal ends it in good order although its client neither speaks, nor reads, nor goes.
    [TestCase("socket")]
    [TestCase("pipes")]
    public void A_signal_ends_it(string kind)
    {
        using var volume = new Volume();
        string[] serve = [BuiltProgram.Path, "serve", .. volume.ServedWithoutAddress("--create", "--stdio")];
        const string script = Asking + """

            if sys.argv[1] == "socket":
                ours, its = socket.socketpair()
                daemon = subprocess.Popen(sys.argv[2:], stdin=its, stdout=its)
                its.close()
                read, write = ours.fileno(), ours.fileno()
            else:
                daemon = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                read, write = daemon.stdout.fileno(), daemon.stdin.fileno()
            ask(read, write)
            daemon.terminate()
            sys.exit(daemon.wait(timeout=30))
            """;
        ToolResult result = Tool.Run("/usr/bin/python3", ["-c", script, kind, .. serve]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        volume.CompareLegs();
    }

    // Goal: without a client the reason and the remedy are told, and nothing is made.
    [Test]
    public void Without_a_client_it_says_how_to_get_one()
    {
        using var volume = new Volume();
        string[] command =
        [
            "-c", "exec \"$@\" < /dev/null", "sh", BuiltProgram.Path, "serve", .. volume.ServedWithoutAddress("--create", "--stdio"),
        ];
        ToolResult result = Tool.Run("sh", command);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.Output, Is.Empty);
        Assert.That(result.Error, Does.StartWith("dmio-nbd: --stdio: standard input is no socket, nor are standard input and "
            + "output pipes: no client is there; let one start the daemon"));
        Assert.That(volume.Legs.Where(File.Exists), Is.Empty);
    }

    private static string Python(string[] words) => $"[{string.Join(", ", words.Select(w => $"\"{w}\""))}]";
}
