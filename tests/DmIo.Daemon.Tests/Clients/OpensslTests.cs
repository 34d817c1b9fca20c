using System.Diagnostics;
using DmIo.Testing;
using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>
/// OpenSSL's own client behind STARTTLS: which versions there are, whom the certificate satisfies, and options of NBD inside.
/// (GnuTLS is what libnbd, qemu and nbd-client bring: TlsTests.)
/// </summary>
public sealed class OpensslTests
{
    private readonly TestAuthority _authority = new();
    private Volume _volume = null!;
    private DaemonProcess _daemon = null!;

    [OneTimeSetUp]
    public void Serve()
    {
        _volume = new Volume("4M");
        _authority.WriteServer(_volume.Scratch["pki"]);
        _daemon = _volume.Serve("--tls-certificates", _volume.Scratch["pki"]);
    }

    [OneTimeTearDown]
    public void Stop()
    {
        using (_authority)
        using (_volume)
            Assert.That(_daemon.Stop(), Is.Zero, _daemon.Log);
    }

    // Goal: TLS 1.2 and 1.3 are spoken with a certificate that OpenSSL takes for the host's.
    [TestCase("-tls1_2", "TLSv1.2")]
    [TestCase("-tls1_3", "TLSv1.3")]
    public void Versions_from_1_2_on_are_spoken(string option, string version)
    {
        string said = Connect([], option);
        Assert.That(said, Does.Contain("Verify return code: 0 (ok)").And.Contain("Verified peername: localhost"));
        Assert.That(said, Does.Contain($"New, {version}, Cipher is "));
    }

    // Goal: older ones are not, whatever the client is ready for.
    [TestCase("-tls1")]
    [TestCase("-tls1_1")]
    public void Versions_before_1_2_are_refused(string option) =>
        Assert.That(Connect([], option, "-cipher", "ALL:@SECLEVEL=0"), Does.Contain("Cipher is (NONE)").And.Contain("alert protocol version"));

    // Goal: NBD inside is NBD: a LIST is answered with the export.
    [Test]
    public void Options_are_answered_inside()
    {
        byte[] list = [.. Wire.U64(Wire.OptionMagic), .. Wire.U32(Wire.List), .. Wire.U32(0)];
        Assert.That(Connect(list, "-quiet"), Does.Contain("vol0"));
    }

    private string Connect(byte[] input, params string[] options)
    {
        using var relay = new StarttlsRelay(_volume.Socket);
        var start = new ProcessStartInfo("openssl",
            ["s_client", "-connect", relay.Address, "-CAfile", _volume.Scratch["pki/ca-cert.pem"], "-verify_hostname", "localhost", .. options])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (input.Length > 0)
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.BaseStream.Write([.. Wire.U64(Wire.OptionMagic), .. Wire.U32(Wire.Abort), .. Wire.U32(0)]);
            process.StandardInput.BaseStream.Flush();
        }
        else
        {
            process.StandardInput.Close();
        }
        if (!process.WaitForExit(Deadline.Usual))
            process.Kill();
        return output.Result + error.Result;
    }
}
