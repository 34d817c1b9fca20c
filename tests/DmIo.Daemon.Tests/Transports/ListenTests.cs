using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>Addresses: the rights of Unix sockets, and IPv6.</summary>
public sealed class ListenTests
{
    private const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    // Goal: mode and group from options; a member of the group gets in, others do not.
    [TestCase("--socket-mode", "0660", "--socket-group", "disk")]
    [TestCase("--socket-group", "6")]
    [Category("Root")]
    public void A_sockets_group_is_let_in_and_nobody_else(params string[] options)
    {
        Needs.Root("gives a file to another group");
        using var volume = new Volume();
        File.SetUnixFileMode(volume.Scratch.Directory, (UnixFileMode)0b111_101_101);
        DaemonProcess daemon = volume.Serve(options);
        Assert.That(File.GetUnixFileMode(volume.Socket), Is.EqualTo(OwnerAndGroup));
        Assert.That(Tool.Run("stat", "--format=%U:%G", volume.Socket).MustSucceed().Output, Is.EqualTo("root:disk\n"));
        Assert.That(As("disk").ExitCode, Is.Zero);
        Assert.That(As("nogroup").Error, Does.Contain("Permission denied"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);

        ToolResult As(string group) => Tool.Run(
            "setpriv", "--reuid=65534", $"--regid={group}", "--clear-groups", "nbdinfo", "--size", volume.Uri);
    }

    // Goal: a group that the daemon's user may not give is an error, and no socket is left that others might reach.
    [Test]
    [Category("Root")]
    public void A_group_that_cannot_be_given_is_an_error()
    {
        Needs.Root("runs the daemon as another user");
        using var scratch = new Scratch();
        string disk = scratch.Sparse("a.img", 1 << 20);
        Tool.Run("chown", "-R", "65534:65534", scratch.Directory).MustSucceed();
        ToolResult result = Tool.Run(
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BuiltProgram.Path, "serve", "--linear", disk,
            "--unix", scratch["s"], "--socket-group", "disk", "--control", "off", "--log-level", "error");
        Assert.That(result.Error, Is.EqualTo(
            $"dmio-nbd: {scratch["s"]}: cannot be given to group 6; run as root or as a member of the group (Operation not "
            + "permitted)\n"));
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(File.Exists(scratch["s"]), Is.False);
    }

    // Goal: the same from a file, for one socket and not for the other.
    [Test]
    public void A_file_gives_each_socket_its_rights()
    {
        using var scratch = new Scratch();
        scratch.Sparse("a.img", 1 << 20);
        string group = Tool.Run("id", "-g").MustSucceed().Output.Trim();
        string file = scratch.Write("dmio-nbd.json", $$"""
            {
              "listeners": [
                { "unix": "a.sock", "mode": "0622" },
                { "unix": "b.sock", "group": "{{group}}" },
                { "unix": "c.sock", "mode": "600", "group": "{{group}}" },
              ],
              "exports": [ { "name": "a", "device": "a.img" } ]
            }
            """);
        using DaemonProcess daemon = DaemonProcess.Serve("--config", file, "--control", "off");
        string modes = Tool.Run("stat", "--format=%a", scratch["a.sock"], scratch["b.sock"], scratch["c.sock"]).Output;
        Assert.That(modes, Is.EqualTo("622\n660\n600\n"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    // Goal: mode and group that are none, and those that mean nothing.
    [Test]
    public void Mistakes_are_told()
    {
        using var scratch = new Scratch();
        string disk = scratch.Sparse("a.img", 1 << 20);
        ToolResult options = Tool.Run(
            BuiltProgram.Path, "serve", "--linear", disk, "--unix", scratch["s"], "--socket-mode", "0669", "--socket-group", "no such");
        Assert.That(options.Error, Is.EqualTo(
            "dmio-nbd: --socket-mode: '0669' is no mode; write one from 000 to 0777 in octal, such as 0660 for owner and group\n"
            + "dmio-nbd: --socket-group: there is no group 'no such'; name one that 'getent group' shows, or its number\n"));
        Assert.That(options.ExitCode, Is.EqualTo(2));
        ToolResult tcp = Tool.Run(
            BuiltProgram.Path, "serve", "--linear", disk, "--listen", "[::1]:0", "--socket-mode", "0660");
        Assert.That(tcp.Error, Is.EqualTo("dmio-nbd: --socket-mode: is for Unix sockets; add --unix PATH, or leave it out\n"));
        string file = scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "tcp": "[::1]:0", "mode": "0660" }, { "unix": "s", "mode": "7777", "group": 6 } ],
              "exports": [ { "name": "a", "device": "a.img" } ]
            }
            """);
        ToolResult told = Tool.Run(BuiltProgram.Path, "serve", "--config", file);
        Assert.That(told.Error, Is.EqualTo(
            $"dmio-nbd: {file}:2: listeners[0].mode: is for Unix sockets, which are files; leave it out with 'tcp'\n"
            + $"dmio-nbd: {file}:2: listeners[1].group: must be a string: \"...\"\n"
            + $"dmio-nbd: {file}:2: listeners[1].mode: '7777' is no mode; write one from 000 to 0777 in octal, such as 0660 for "
            + "owner and group\n"));
    }

    // Goal: [::] is IPv6 alone, and 0.0.0.0 stands beside it on the same port; the addresses that are printed work.
    [Test]
    public void Every_address_of_both_families_can_be_listened_on_at_once()
    {
        using var volume = new Volume();
        DaemonProcess first = volume.Serve("--listen", "[::]:0");
        string port = first.Output.Split("nbd://[::]:")[1].Split('/')[0];
        Assert.That(Tool.Run("nbdinfo", "--size", $"nbd://[::1]:{port}/vol0").MustSucceed().Output, Is.EqualTo($"{64 << 20}\n"));
        Assert.That(Tool.Run("nbdinfo", "--size", $"nbd://127.0.0.1:{port}/vol0").ExitCode, Is.Not.Zero);
        Assert.That(first.Log, Does.Contain("[::1]:"));
        Assert.That(first.Stop(), Is.Zero, first.Log);
        DaemonProcess both = volume.Serve("--listen", $"[::]:{port}", "--listen", $"0.0.0.0:{port}");
        foreach (string host in (string[])["[::1]", "127.0.0.1"])
            Tool.Run("nbdinfo", "--size", $"nbd://{host}:{port}/vol0").MustSucceed();
        Assert.That(both.Stop(), Is.Zero, both.Log);
    }
}
