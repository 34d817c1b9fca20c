using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>A configuration with mistakes: all are told, with place and remedy, and nothing was made.</summary>
public sealed partial class MistakeTests
{
    private Scratch _scratch = null!;

    [SetUp]
    public void MakeScratch() => _scratch = new Scratch();

    [TearDown]
    public void RemoveScratch() => _scratch.Dispose();

    [Test]
    public void All_mistakes_of_the_arguments_are_told() => AssertTold(
        ["--mirror", "a.img", "b.img", "--create", "--size", "1Gx", "--unix", "/nowhere/x", "--listen", "localhost",
            "--region-size", "3K", "--io-backend", "foo", "--sync-from", "5", "--log-level", "loud"],
        "--size: '1Gx' is no size; write bytes, or a number with K, M, G or T (powers of 1024), such as 512M",
        "--sync-from: '5' is no leg of this mirror; legs are counted from 0 to 1",
        "--region-size: '3K' is no region size; take a power of two of at least 4K, such as 512K",
        "--listen: 'localhost' is no HOST:PORT; write an address and a port, such as 127.0.0.1:10809 or [::1]:10809",
        "--io-backend: 'foo' is none of auto, io_uring, threads; take one of these",
        "--log-level: 'loud' is none of trace, debug, information, warning, error; take one of these",
        "--unix: the directory /nowhere does not exist; make it first");

    [Test]
    public void Sizes_are_whole_sectors()
    {
        _scratch.Sparse("a.img", 1000);
        AssertTold(
            ["--linear", "a.img", "--unix", "x.sock"],
            "--size: the smallest leg has 1000 bytes, not a multiple of 512; say which size to serve: take 512 or 1024");
        AssertTold(
            ["--linear", "a.img", "--size", "1001", "--unix", "x.sock"],
            "--size: 1001 bytes are not a multiple of 512; take 512 or 1024");
    }

    [Test]
    public void What_is_missing_or_does_not_go_together_is_told()
    {
        _scratch.Sparse("a.img", 1 << 20);
        AssertTold(["--linear", "a.img"], "serve: no listener; add --unix PATH or --listen HOST:PORT");
        AssertTold(["--unix", "x.sock"],
            "serve: nothing to serve; add --mirror A B or --linear FILE (or no option at all for a first try)");
        AssertTold(["--mirror", "a.img", "--unix", "x.sock"],
            "--mirror: a mirror has two legs at least; add another, or use --linear for one file alone");
        AssertTold(["--linear", "a.img", "--assume-clean", "--unix", "x.sock"],
            "--assume-clean: is for a mirror; leave it out with --linear");
        AssertTold(["--linear", "a.img", "--unix", "a.img"],
            "--unix: {0}/a.img exists and is no socket; name another path, or remove it");
    }

    [Test]
    public void All_mistakes_of_a_file_are_told_with_their_lines()
    {
        _scratch.Sparse("short.img", 1024);
        _scratch.Sparse("long.img", 1 << 20);
        _scratch.Write("dmio-nbd.json", """
            {
              // A comment, and commas at ends, are right.
              "listners": [],
              "listeners": [ { "unix": "nbd.sock" }, { "tcp": "1.2.3.4" }, {}, "a", ],
              "devices": {
                "a": { "table": "0 100 linear dm:b 0", "syncfrom": 1 },
                "b": { "table": ["0 100 linear long.img 0", "100 5 foo"] },
                "c": { "table": "0 100 linear dm:d 0" },
                "d": { "table": "0 100 linear dm:c 0" },
                "e": { "table": "0 100 linear short.img 0", "direct": ["shrt.img"] },
                "f/": { "table": "0 100 linear gone.img 0" },
              },
              "exports": [
                { "name": "x", "device": "dm:q" },
                { "name": "x", "device": "long.img" },
                { "nam": 1 },
              ],
              "limits": { "maxConnections": 0 },
            }
            """);
        AssertTold(
            ["--config", "dmio-nbd.json"],
            "dmio-nbd.json:4: listeners[1].tcp: '1.2.3.4' is no HOST:PORT; write an address and a port, such as "
            + "127.0.0.1:10809 or [::1]:10809",
            "dmio-nbd.json:4: listeners[2]: needs one of 'unix' (a path) and 'tcp' (HOST:PORT)",
            "dmio-nbd.json:4: listeners[3]: must be an object: { ... }",
            "dmio-nbd.json:6: devices.a.syncfrom: unknown property 'syncfrom'; did you mean 'syncFrom'?",
            "dmio-nbd.json:16: exports[2]: has no 'name'; add it",
            "dmio-nbd.json:16: exports[2].nam: unknown property 'nam'; did you mean 'name'?",
            "dmio-nbd.json:18: limits.maxConnections: must be a whole number of at least 1",
            "dmio-nbd.json:3: listners: unknown property 'listners'; did you mean 'listeners'?",
            "dmio-nbd.json:7: devices.b.table: table line 2 at 'foo': unknown target type \"foo\"; known are linear, striped, mirror, zero, error, delay, flakey, dust and log-writes",
            "dmio-nbd.json:11: devices.f/: 'f/' is no name for a mapped device; take 1 to 127 letters, digits and any of "
            + ". _ - +, not beginning with a dot",
            "dmio-nbd.json:14: exports[0]: dm:q: no mapped device of that name; known here: a, b, c, d, e, f/",
            "dmio-nbd.json:15: exports[1]: an export 'x' is there already; give one of them another name",
            "dmio-nbd.json:8: devices.c.table: the devices stand on each other: dm:c -> dm:d -> dm:c; take one of them out",
            "dmio-nbd.json:10: devices.e.table: {0}/short.img has 1024 bytes and 51200 are needed; make it longer, or the volume smaller",
            "dmio-nbd.json:10: devices.e: direct: shrt.img is not in the table; did you mean 'short.img'?",
            "dmio-nbd.json:11: devices.f/.table: {0}/gone.img does not exist; create it first (--create makes files of the right size)");
    }

    // Goal: a list of who may connect that is not what was meant is never taken.
    [Test]
    public void Allow_lists_are_checked()
    {
        _scratch.Sparse("a.img", 1 << 20);
        AssertTold(
            ["--linear", "a.img", "--unix", "x.sock", "--listen", "127.0.0.1:0", "--allow-address", "10.1.2.3/8", "--allow-address",
                "10.0.0.0/33", "--allow-address", "10.0.0.0/", "--allow-address", "localhost", "--allow-address", "10.1",
                "--allow-address", "fe80::1%lo", "--allow-address", "2001:db8::1/32", "--allow-uid", "nobody-of-that-name",
                "--allow-uid", "4294967295", "--allow-uid", "-1"],
            "--allow-address: '10.1.2.3/8' has bits set behind its first 8; write 10.0.0.0/8 for the network, or 10.1.2.3 for the host",
            "--allow-address: '10.0.0.0/33': '33' is no length of a prefix; write a number from 0 to 32",
            "--allow-address: '10.0.0.0/': '' is no length of a prefix; write a number from 0 to 32",
            "--allow-address: 'localhost' is no address or network; write one such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32",
            "--allow-address: '10.1' is no address or network; write one such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32",
            "--allow-address: 'fe80::1%lo' is no address or network; write one such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32",
            "--allow-address: '2001:db8::1/32' has bits set behind its first 32; write 2001:db8::/32 for the network, or 2001:db8::1 for the host",
            "--allow-uid: there is no user 'nobody-of-that-name' on this machine; write the name of one (getent passwd), or a number",
            "--allow-uid: 4294967295 is no user's number; write one from 0 to 4294967294, or a name",
            "--allow-uid: there is no user '-1' on this machine; write the name of one (getent passwd), or a number");
        AssertTold(["--linear", "a.img", "--unix", "x.sock", "--allow-address", "10.0.0.0/8"],
            "--allow-address: addresses are for TCP, and all listeners are Unix sockets; name users, or leave it out");
        AssertTold(
            ["--linear", "a.img", "--unix", "x.sock", "--allow-address", "10.0.0.0/8", "--allow-uid", "root"],
            "--allow-address: addresses are for TCP, and all listeners are Unix sockets; name users, or leave it out");
        AssertTold(["--linear", "a.img", "--listen", "127.0.0.1:0", "--allow-uid", "root"],
            "--allow-uid: users are for Unix sockets, and all listeners are TCP; name addresses, or leave it out");
        _scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" }, { "tcp": "127.0.0.1:0" } ],
              "allow": { "addresses": [ "10.0.0.0/8", 5, "x" ], "uids": [ "root", 0, 1.5, "no one" ], "users": [] },
              "exports": [ { "name": "a", "device": "a.img" } ]
            }
            """);
        AssertTold(["--config", "dmio-nbd.json"],
            "dmio-nbd.json:3: allow.addresses[1]: must be a string: \"...\"",
            "dmio-nbd.json:3: allow.addresses[2]: 'x' is no address or network; write one such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32",
            "dmio-nbd.json:3: allow.uids[2]: there is no user '1.5' on this machine; write the name of one (getent passwd), or a number",
            "dmio-nbd.json:3: allow.uids[3]: there is no user 'no one' on this machine; write the name of one (getent passwd), or a number",
            "dmio-nbd.json:3: allow.users: unknown property 'users'; known here: addresses, uids");
    }

    [TestCase("{ \"a\": [ }", "dmio-nbd.json:1: no JSON: '}' is an invalid start of a value.")]
    [TestCase("{ }", "listeners: there is none; add { \"unix\": PATH } or { \"tcp\": HOST:PORT }, or have sockets passed by a service manager")]
    [TestCase("[ ]", "dmio-nbd.json:1: must be an object: { ... }")]
    public void A_file_that_says_little(string text, string told)
    {
        _scratch.Write("dmio-nbd.json", text);
        AssertTold(["--config", "dmio-nbd.json"], told);
    }

    [Test]
    public void An_unknown_option_is_a_usage_error()
    {
        ToolResult result = Tool.Run(BuiltProgram.Path, "serve", "--mirorr", "a");
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.Error, Does.Contain("--mirorr").And.Contain("--help"));
        Assert.That(result.Output, Is.Empty);
    }

    [Test]
    public void Check_config_tells_mistakes_and_makes_nothing()
    {
        string[] right = ["--mirror", "a.img", "b.img", "--create", "--size", "1M", "--unix", "x.sock", "--check-config"];
        ToolResult result = Run(right);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Error, Is.EqualTo("dmio-nbd: no mistakes found\n"));
        Assert.That(Directory.EnumerateFileSystemEntries(_scratch.Directory), Is.Empty);
        AssertTold(["--mirror", "a.img", "b.img", "--unix", "x.sock", "--size", "0", "--check-config"],
            "--size: '0' is no size; write bytes, or a number with K, M, G or T (powers of 1024), such as 512M",
            "{0}/a.img: does not exist; create it first (--create makes files of the right size); or serve without it "
            + "(--degraded)",
            "{0}/b.img: does not exist; create it first (--create makes files of the right size); or serve without it "
            + "(--degraded)");
    }

    [Test]
    public void Help_and_version_go_to_standard_output()
    {
        ToolResult help = Tool.Run(BuiltProgram.Path, "--help").MustSucceed();
        Assert.That(help.Output, Does.Contain("--mirror").And.Contain("serve").And.Contain("--check-config"));
        ToolResult version = Tool.Run(BuiltProgram.Path, "--version").MustSucceed();
        Assert.That(version.Output.Trim(), Does.Match(@"^\d+\.\d+\.\d+$"));
    }

    /// <summary>Runs in the scratch directory; {0} stands for it. Nothing may be made there.</summary>
    private void AssertTold(string[] arguments, params string[] mistakes)
    {
        string[] before = [.. Directory.EnumerateFileSystemEntries(_scratch.Directory)];
        ToolResult result = Run(arguments);
        IEnumerable<string> expected = mistakes.Select(
            m => $"dmio-nbd: {m.Replace("{0}", _scratch.Directory, StringComparison.Ordinal)}");
        Assert.That(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(expected));
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.Output, Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(_scratch.Directory), Is.EquivalentTo(before));
    }

    private ToolResult Run(string[] arguments) => Tool.Run(
        "env", ["--chdir", _scratch.Directory, BuiltProgram.Path, "serve", .. arguments]);
}
