using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.RegularExpressions;
using DmIo.Testing;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>TLS as users have it: libnbd's and qemu's clients, certificates in directories, names, mistakes.</summary>
public sealed class TlsTests
{
    private readonly TestAuthority _authority = new();
    private Volume _volume = null!;

    private string Pki => _volume.Scratch["pki"];

    [SetUp]
    public void MakeVolume()
    {
        _volume = new Volume();
        _authority.WriteServer(Pki);
        WriteClient("alice", "CN=alice");
        WriteClient("eve", "CN=eve");
    }

    [TearDown]
    public void RemoveVolume() => _volume.Dispose();

    [OneTimeTearDown]
    public void EndAuthority() => _authority.Dispose();

    [Test]
    public void Libnbd_reads_and_writes_in_tls()
    {
        using DaemonProcess daemon = _volume.Serve("--tls-certificates", Pki);
        Assert.That(daemon.Output, Does.Contain("nbds+unix:///vol0?socket=").And.Contain("-enable-tls"));
        string uri = Uri("alice");
        string image = _volume.Scratch.Write("image", "");
        File.WriteAllBytes(image, RandomBytes(32 << 20));
        Tool.Run("nbdcopy", "--connections=4", image, uri).MustSucceed();
        Tool.Run("nbdcopy", "--connections=4", uri, _volume.Scratch["back"]).MustSucceed();
        using (FileStream back = File.Open(_volume.Scratch["back"], FileMode.Open))
            back.SetLength(32 << 20);
        Tool.Compare(image, _volume.Scratch["back"]);
        JsonElement info = JsonDocument.Parse(Tool.Run("nbdinfo", "--json", uri).MustSucceed().Output).RootElement;
        Assert.That(info.GetProperty("TLS").GetBoolean());
        Assert.That(Tool.Run("nbdinfo", _volume.Uri).ExitCode, Is.Not.Zero, "a client without TLS");
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
        _volume.CompareLegs();
    }

    [Test]
    public void Qemu_reads_and_writes_in_tls()
    {
        using DaemonProcess daemon = _volume.Serve("--tls-certificates", Pki, "--tls-verify-peer");
        Qemu("alice", "write -P 0x5a 1M 3M", "read -P 0x5a 1M 3M", "read -P 0 0 1M", "flush").MustSucceed();
        ToolResult info = Tool.Run(
            "qemu-img", "info", "--object", Credentials("alice"), "--image-opts", Image).MustSucceed();
        Assert.That(info.Output, Does.Contain("64 MiB"));
        Assert.That(daemon.Stop(), Is.Zero, daemon.Log);
    }

    [Test]
    public void Nbd_client_negotiates_in_tls()
    {
        using DaemonProcess daemon = _volume.Serve("--tls-certificates", Pki, "--tls-allow", "alice", "--listen", "127.0.0.1:0");
        Match address = Regex.Match(daemon.Output, @"nbds://127\.0\.0\.1:(\d+)/");
        string File(string name) => _volume.Scratch[$"alice/{name}.pem"];
        ToolResult list = Tool.Run(
            "nbd-client", "-l", "localhost", address.Groups[1].Value, "-enable-tls", "-cacertfile", File("ca-cert"),
            "-certfile", File("client-cert"), "-keyfile", File("client-key")).MustSucceed();
        Assert.That(list.Output, Does.Contain("\nvol0: volume "));
        daemon.WaitForLog("client alice");
    }

    // Goal: the command's URI is one for TLS, and whoever speaks in the clear is not served.
    [Test]
    public void A_command_is_served_in_tls()
    {
        string[] serve = ["serve", .. _volume.ServedWithoutAddress("--create", "--tls-certificates", Pki), "--run"];
        string inTls = $"\"$uri&tls-certificates={_volume.Scratch["alice"]}\"";
        ToolResult result = Tool.Run(
            BuiltProgram.Path, [.. serve, $"nbdinfo --is tls {inTls} && nbdinfo --size {inTls}; echo $uri"]).MustSucceed();
        Assert.That(result.Output, Does.Match($"^{64 << 20}\nnbds\\+unix:///vol0\\?socket="));
        Assert.That(result.Error, Is.Empty);
        Assert.That(Tool.Run(BuiltProgram.Path, [.. serve, "nbdinfo \"nbd+${uri#nbds+}\""]).ExitCode, Is.Not.Zero);
    }

    // Goal: the client on standard input has to speak TLS, too, and says who it is.
    [Test]
    public void A_client_on_standard_input_is_served_in_tls()
    {
        string[] serve =
        [
            BuiltProgram.Path, "serve", .. _volume.ServedWithoutAddress("--create", "--stdio"), "--tls-certificates", Pki,
            "--tls-allow", "alice",
        ];
        const string script = """
            import nbd, sys
            def client(name):
                h = nbd.NBD()
                if name:
                    h.set_tls(nbd.TLS_REQUIRE)
                    h.set_tls_certificates(name)
                h.connect_command(sys.argv[3:])
                return h
            for name in (sys.argv[2], None):
                try:
                    client(name)
                    sys.exit(f"{name} was let in")
                except nbd.Error:
                    pass
            h = client(sys.argv[1])
            assert h.get_tls_negotiated()
            data = bytes(range(256)) * 4096
            h.pwrite(data, 1 << 20)
            assert h.pread(len(data), 1 << 20) == data
            h.shutdown()
            """;
        Tool.Run("/usr/bin/python3", ["-c", script, _volume.Scratch["alice"], _volume.Scratch["eve"], .. serve]).MustSucceed();
        _volume.CompareLegs();
        using DaemonProcess again = _volume.Serve();
        Assert.That(again.Log, Does.Not.Contain("not stopped cleanly"));
    }

    [Test]
    public void Only_clients_with_an_allowed_name_come_in()
    {
        using DaemonProcess daemon = _volume.Serve("--tls-certificates", Pki, "--tls-allow", "alice");
        Tool.Run("nbdinfo", "--size", Uri("alice")).MustSucceed();
        Assert.That(Tool.Run("nbdinfo", "--size", Uri("eve")).ExitCode, Is.Not.Zero);
        daemon.WaitForLog("none of the names in the client's certificate is allowed: \"eve\"");
        Assert.That(Qemu("eve", "read 0 512").ExitCode, Is.Not.Zero);
        Qemu("alice", "read 0 512").MustSucceed();
    }

    [Test]
    public void Connections_tell_who_is_there()
    {
        using DaemonProcess daemon = _volume.Serve("--tls-certificates", Pki, "--tls-allow", "alice");
        // What the client runs inside its connection looks at it from outside.
        string script = $"import nbd; h = nbd.NBD(); h.set_uri_allow_local_file(True); h.connect_uri('{Uri("alice")}'); "
            + $"import subprocess; print(subprocess.check_output(['{BuiltProgram.Path}', 'connections', '--control', '{_volume.Control}']).decode())";
        string line = Tool.Run("/usr/bin/python3", "-c", script).MustSucceed().Output.Trim();
        Assert.That(line.Split('\t')[^1], Is.EqualTo("TLS 1.3 alice"));
    }

    [Test]
    public void Exports_may_require_tls_one_by_one()
    {
        _volume.Scratch.Sparse("open.img", 4 << 20);
        _volume.Scratch.Sparse("secret.img", 4 << 20);
        string config = _volume.Scratch.Write("dmio-nbd.json", """
            {
              "listeners": [ { "unix": "nbd.sock" } ],
              "control": "control.sock",
              "tls": { "mode": "exports", "certificates": "pki", "verifyPeer": true, "allow": [ "alice" ] },
              "exports": [
                { "name": "open", "device": "open.img" },
                { "name": "secret", "device": "secret.img", "requireTls": true },
              ],
            }
            """);
        using DaemonProcess daemon = DaemonProcess.Serve("--config", config);
        Assert.That(Names($"nbd+unix:///?socket={_volume.Socket}"), Is.EqualTo((string[])["open"]));
        Assert.That(Names(Uri("alice", "")), Is.EquivalentTo((string[])["open", "secret"]));
        Tool.Run("nbdinfo", "--size", Uri("alice", "secret")).MustSucceed();
        Tool.Run("nbdinfo", "--size", $"nbd+unix:///open?socket={_volume.Socket}").MustSucceed();
        ToolResult refused = Tool.Run("nbdinfo", "--size", $"nbd+unix:///secret?socket={_volume.Socket}");
        Assert.That(refused.ExitCode, Is.Not.Zero);
        ControlTool.Run(_volume.Control, "export", "remove", "open").MustSucceed();
        ControlTool.Run(
            _volume.Control, "export", "add", "later", "--device", _volume.Scratch["open.img"], "--require-tls").MustSucceed();
        Assert.That(Names($"nbd+unix:///?socket={_volume.Socket}"), Is.Empty);
    }

    [Test]
    public void New_certificates_need_no_restart()
    {
        using DaemonProcess daemon = _volume.Serve("--tls-certificates", Pki, "--tls-verify-peer");
        Tool.Run("nbdinfo", "--size", Uri("alice")).MustSucceed();
        using var next = new TestAuthority("next");
        next.WriteServer(Pki);
        Assert.That(Tool.Run("nbdinfo", "--size", Uri("alice")).ExitCode, Is.Not.Zero, "the old authority");
        daemon.WaitForLog("new certificates are in use");
        using X509Certificate2 certificate = next.Issue("CN=alice");
        next.WriteClient(_volume.Scratch["alice"], certificate);
        Tool.Run("nbdinfo", "--size", Uri("alice")).MustSucceed();
    }

    [TestCase("none", "--tls-certificates: {0}/none: there is no such directory; make it, or name another")]
    [TestCase("empty", "--tls-certificates: {0}/empty/server-cert.pem: does not exist; put it there, or name the directory that has it")]
    public void A_directory_of_no_use_is_a_mistake(string directory, string said)
    {
        Directory.CreateDirectory(_volume.Scratch["empty"]);
        AssertMistake(said, "--tls-certificates", _volume.Scratch[directory]);
    }

    [Test]
    public void A_key_of_another_certificate_is_a_mistake()
    {
        _authority.WriteServer(_volume.Scratch["other"]);
        File.Copy(_volume.Scratch["other/server-key.pem"], _volume.Scratch["pki/server-key.pem"], overwrite: true);
        AssertMistake(
            "--tls-certificates: {0}/pki/server-key.pem: is no private key of server-cert.pem beside it",
            "--tls-certificates", Pki);
    }

    [Test]
    public void Modes_that_lack_something_are_mistakes()
    {
        AssertMistake(
            "--tls: TLS needs certificates; name the directory with server-cert.pem and server-key.pem", "--tls", "require");
        AssertMistake("--tls: 'on' is none of off, require, exports; take one of these", "--tls", "on");
        File.Delete(_volume.Scratch["pki/ca-cert.pem"]);
        AssertMistake(
            "--tls-certificates: {0}/pki/ca-cert.pem: does not exist; put it there, or name the directory that has it",
            "--tls-certificates", Pki, "--tls-verify-peer");
    }

    [Test]
    public void An_export_that_requires_tls_where_there_is_none_is_a_mistake()
    {
        _volume.Scratch.Sparse("a.img", 1 << 20);
        string config = _volume.Scratch.Write("c.json", """
            { "listeners": [ { "unix": "nbd.sock" } ], "exports": [ { "name": "a", "device": "a.img", "requireTls": true } ] }
            """);
        ToolResult result = Tool.Run(BuiltProgram.Path, "serve", "--config", config, "--check-config");
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.Error, Does.Contain("'a' requires TLS, and there is none; name a directory of certificates for it"));
    }

    private string Image =>
        $"driver=nbd,export=vol0,tls-creds=t,tls-hostname=localhost,server.type=unix,server.path={_volume.Socket}";

    private string Credentials(string client) =>
        $"tls-creds-x509,id=t,endpoint=client,dir={_volume.Scratch[client]}";

    private ToolResult Qemu(string client, params string[] commands) => Tool.Run(
        "qemu-io",
        ["--object", Credentials(client), .. commands.SelectMany(c => new[] { "-c", c }), "--image-opts", Image]);

    private void AssertMistake(string said, params string[] options)
    {
        ToolResult result = Tool.Run(
            BuiltProgram.Path, ["serve", .. _volume.Arguments, "--create", "--check-config", .. options]);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(
            result.Error, Does.Contain($"dmio-nbd: {said.Replace("{0}", _volume.Scratch.Directory, StringComparison.Ordinal)}"));
    }

    private static IEnumerable<string?> Names(string uri) =>
        JsonDocument.Parse(Tool.Run("nbdinfo", "--list", "--json", uri).MustSucceed().Output)
            .RootElement.GetProperty("exports").EnumerateArray().Select(e => e.GetProperty("export-name").GetString());

    private string Uri(string client, string export = "vol0") =>
        $"nbds+unix://localhost/{export}?socket={_volume.Socket}&tls-certificates={_volume.Scratch[client]}";

    private void WriteClient(string name, string subject)
    {
        using X509Certificate2 certificate = _authority.Issue(subject);
        _authority.WriteClient(_volume.Scratch[name], certificate);
    }

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(5).NextBytes(bytes);
        return bytes;
    }
}
