using System.Globalization;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>A command that is served as long as it runs.</summary>
public sealed class RunTests
{
    // Goal: the command finds the volume by its variables, its output and its status are the daemon's, which adds nothing.
    [Test]
    public void The_command_is_served_and_its_status_is_the_daemons()
    {
        using var volume = new Volume();
        ToolResult result = Run(
            volume, """nbdinfo --size "$uri"; qemu-io -f raw -c 'write -P 7 1M 3M' "$uri" > /dev/null; echo "$exportname $unixsocket"; exit 7""");
        Assert.That(result.ExitCode, Is.EqualTo(7), result.Error);
        Assert.That(result.Error, Is.Empty);
        string[] lines = result.Output.Split('\n');
        Assert.That(lines[0], Is.EqualTo($"{64 << 20}"));
        Assert.That(lines[1], Does.Match(@"^vol0 /.*/nbd\.sock$"));
        Assert.That(Directory.Exists(Path.GetDirectoryName(lines[1].Split(' ')[1])), Is.False, "left behind");
        volume.CompareLegs();
        Assert.That(File.ReadAllBytes(volume.Legs[1]).AsSpan(1 << 20, 3 << 20).IndexOfAnyExcept((byte)7), Is.EqualTo(-1));
        using DaemonProcess again = volume.Serve();
        Assert.That(again.Log, Does.Not.Contain("not stopped cleanly"));
    }

    // Goal: standard input is the command's; what is asked for of the log is logged.
    [Test]
    public void Standard_input_is_the_commands()
    {
        using var volume = new Volume();
        string[] daemon =
        [
            BuiltProgram.Path, "serve", .. volume.ServedWithoutAddress("--create", "--log-level", "information"), "--run", "cat",
        ];
        ToolResult result = Tool.Run("sh", ["-c", "echo hello | \"$@\"", "sh", .. daemon]).MustSucceed();
        Assert.That(result.Output, Is.EqualTo("hello\n"));
        Assert.That(result.Error, Does.Contain("stopped: everything is flushed and closed"));
    }

    // Goal: with a file, too; its listeners are for other starts.
    [Test]
    public void A_files_listeners_are_not_opened()
    {
        using var scratch = new Scratch();
        scratch.Sparse("a.img", 1 << 20);
        string file = scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "exports": [ { "name": "a b", "device": "a.img" } ]
            }
            """);
        ToolResult result = Tool.Run(
            BuiltProgram.Path, "serve", "--config", file, "--run", "nbdinfo --size \"$uri\"; ls -A").MustSucceed();
        Assert.That(result.Output, Does.StartWith($"{1 << 20}\n"));
        Assert.That(File.Exists(scratch["nbd.sock"]), Is.False);
        Assert.That(result.Error, Is.Empty);
    }

    // Goal: a signal ends both, also what the shell waits for; the status says so, as a shell's does.
    [TestCase("echo $$; sleep 1000; true", "TERM", 128 + 15)]
    [TestCase("echo $$; sleep 1000; true", "INT", 128 + 15)]
    [TestCase("trap '' TERM; echo $$; while :; do sleep 0.2; done", "TERM", 128 + 9)]
    public void A_signal_ends_both(string command, string signal, int status)
    {
        using var volume = new Volume();
        using DaemonProcess daemon = DaemonProcess.Launch(
            ["serve", .. volume.ServedWithoutAddress("--create"), "--run", command]);
        int shell = 0;
        Deadline.WaitFor(
            () => int.TryParse(daemon.Output, CultureInfo.InvariantCulture, out shell) || daemon.HasExited, "the command");
        // Until the shell waits for it, what it starts might be missed.
        Deadline.WaitFor(() => ChildrenOf(shell).Length > 0 || daemon.HasExited, "the shell's child");
        int child = int.Parse(ChildrenOf(shell)[0], CultureInfo.InvariantCulture);
        daemon.Signal(signal);
        Assert.That(daemon.WaitForExit(), Is.EqualTo(status), daemon.Log);
        Deadline.WaitFor(() => !Directory.Exists($"/proc/{shell}") && !IsAlive(child), "the command's end");
        volume.CompareLegs();
    }

    // Goal: who is in a hurry, and signals twice, leaves no command behind.
    [Test]
    public void A_second_signal_ends_both_at_once()
    {
        using var volume = new Volume();
        using DaemonProcess daemon = DaemonProcess.Launch(
            [
                "serve", .. volume.ServedWithoutAddress("--create", "--log-level", "information"), "--run",
                "trap '' TERM; echo $$; exec > /dev/null 2>&1; while :; do sleep 0.2; done",
            ]);
        int shell = 0;
        Deadline.WaitFor(
            () => int.TryParse(daemon.Output, CultureInfo.InvariantCulture, out shell) || daemon.HasExited, "the command");
        daemon.Signal("TERM");
        daemon.WaitForLog("stopping: ");
        daemon.Signal("TERM");
        Assert.That(daemon.WaitForExit(), Is.EqualTo(128 + 15), daemon.Log);
        Deadline.WaitFor(() => !IsAlive(shell), "the command's end");
    }

    // Goal: what does not go together, and a command that is none.
    [Test]
    public void Mistakes_are_told()
    {
        using var volume = new Volume();
        string socket = volume.Scratch["x.sock"];
        (string[] Options, string Told)[] cases =
        [
            (["--run", "true", "--unix", socket, "--listen", "[::1]:0"],
                "dmio-nbd: --unix: goes not together with --run, which opens nothing else; leave it out\n"
                + "dmio-nbd: --listen: goes not together with --run, which opens nothing else; leave it out\n"),
            (["--run", "true", "--stdio"], "dmio-nbd: --run: goes not together with --stdio; choose one\n"),
            (["--run", " "], "dmio-nbd: --run: the command is empty; name one, such as 'nbdinfo $uri'\n"),
            (["--run", "true", "--socket-mode", "600"],
                "dmio-nbd: --socket-mode: is for Unix sockets; add --unix PATH, or leave it out\n"),
        ];
        foreach ((string[] options, string told) in cases)
        {
            ToolResult result = Tool.Run(BuiltProgram.Path, ["serve", .. volume.ServedWithoutAddress("--create"), .. options]);
            Assert.That(result.Error, Is.EqualTo(told));
            Assert.That(result.ExitCode, Is.EqualTo(2));
        }
        Assert.That(volume.Legs.Where(File.Exists), Is.Empty);
    }

    // Goal: where its socket cannot be is told in a sentence, with the variable that names another place.
    [Test]
    public void A_place_for_the_socket_that_cannot_be_had_is_told()
    {
        using var volume = new Volume();
        // Nothing can be made there, not even by root.
        var environment = new Dictionary<string, string?> { ["TMPDIR"] = "/proc" };
        ToolResult result = Tool.Run(
            environment, BuiltProgram.Path, ["serve", .. volume.ServedWithoutAddress("--create"), "--run", "true"]);
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error, Does.Match(
            @"^dmio-nbd: --run: no directory for the command's socket can be made in /proc/ \(.*\); set TMPDIR to a directory that may "
            + @"be written\n$"));
        Assert.That(volume.Legs.Where(File.Exists), Is.Empty);
    }

    // Goal: a command that cleans up too much has ended all the same as it has.
    [Test]
    public void A_command_may_remove_its_own_socket()
    {
        using var volume = new Volume();
        ToolResult result = Run(volume, "rm -r \"$(dirname \"$unixsocket\")\"; exit 7");
        Assert.That(result.ExitCode, Is.EqualTo(7), result.Error);
        Assert.That(result.Error, Is.Empty);
    }

    // Goal: a machine without a shell is told so, and the volume is closed in good order.
    [Test]
    [Category("Root")]
    public void A_shell_that_is_missing_is_told()
    {
        Needs.Namespaces();
        using var volume = new Volume();
        string nothing = volume.Scratch.Write("nothing", "");
        ToolResult result = Tool.Run(
            "unshare",
            [
                "--mount", "/bin/bash", "-c", "mount --bind \"$1\" /bin/sh && shift && exec \"$@\"", "bash", nothing, BuiltProgram.Path,
                "serve", .. volume.ServedWithoutAddress("--create"), "--run", "true",
            ]);
        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(result.Error.Split('\n'), Has.Length.EqualTo(2));
        Assert.That(result.Error, Does.Match(@" --run: /bin/sh cannot be started \(.*\); commands need a shell there, such as dash or bash\n$"));
        using DaemonProcess again = volume.Serve();
        Assert.That(again.Log, Does.Not.Contain("not stopped cleanly"));
    }

    // Goal: a volume that is hidden is served to a command, which is told its name.
    [Test]
    public void Of_hidden_exports_the_first_is_the_commands()
    {
        using var scratch = new Scratch();
        scratch.Sparse("a.img", 1 << 20);
        string file = scratch.Write("dmio-nbd.json", """
            {
              "exports": [
                { "name": "x", "device": "a.img", "hidden": true, "readOnly": true },
                { "name": "y", "device": "a.img", "hidden": true, "readOnly": true },
              ],
            }
            """);
        ToolResult result = Tool.Run(
            BuiltProgram.Path, "serve", "--config", file, "--run", "nbdinfo --size \"$uri\"; echo $exportname").MustSucceed();
        Assert.That(result.Output, Is.EqualTo($"{1 << 20}\nx\n"));
        Assert.That(result.Error, Is.Empty);
    }

    private static ToolResult Run(Volume volume, string command) => Tool.Run(
        BuiltProgram.Path, ["serve", .. volume.ServedWithoutAddress("--create"), "--run", command]);

    private static string[] ChildrenOf(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/task/{process}/children")
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            return [];
        }
    }

    // One that nobody waits for any more may be left as a zombie where the first process does not care.
    private static bool IsAlive(int process)
    {
        try
        {
            return !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
