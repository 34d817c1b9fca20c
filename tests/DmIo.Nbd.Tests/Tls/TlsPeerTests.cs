using System.Security.Cryptography.X509Certificates;
using DmIo.Testing;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Clients' certificates: who is let in, under which name.</summary>
internal sealed class TlsPeerTests
{
    [Test]
    public void Any_certificate_of_the_authority_is_let_in_where_no_names_are_told()
    {
        // Goal: the chain alone decides; what is shown as the peer's name is its common name.
        using var rig = new TlsRig(verifyPeer: true);
        using X509Certificate2 certificate = rig.Authority.Issue("CN=alice,O=Example", "alice.example");
        using NbdProbe probe = rig.Greet().StartTls(certificate).GoOn("vol0");
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]));
        NbdTlsInfo tls = TestServer.Wait(rig.Server.Server.ReadConnectionsAsync()).Single().Tls!;
        Assert.That(tls.PeerName, Is.EqualTo("alice"));
    }

    [TestCase("CN=alice", "", "alice")]
    [TestCase("CN=alice,O=Example", "host.example", "alice")]
    [TestCase("CN=else", "bob.example", "bob.example")]
    [TestCase("CN=else", "x.example BOB.Example", "bob.example")]
    [TestCase("O=no common name", "bob.example", "bob.example")]
    public void A_certificate_that_bears_an_allowed_name_is_let_in(string subject, string dnsNames, string name)
    {
        // Goal: common name to the letter, DNS names without regard to case.
        using var rig = new TlsRig(verifyPeer: true, allowed: ["alice", "bob.example"]);
        using X509Certificate2 certificate = rig.Authority.Issue(subject, Split(dnsNames));
        using NbdProbe probe = rig.Greet().StartTls(certificate).GoOn("vol0");
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]));
        NbdTlsInfo tls = TestServer.Wait(rig.Server.Server.ReadConnectionsAsync()).Single().Tls!;
        Assert.That(tls.PeerName, Is.EqualTo(name));
    }

    [TestCase("CN=Alice", "")]
    [TestCase("CN=alice2", "")]
    [TestCase("CN=bob.example", "alice")]
    [TestCase("O=alice", "")]
    [TestCase("CN=alice,CN=eve", "")]
    [TestCase("CN=else", "sub.bob.example *.example")]
    public void Any_other_name_is_refused(string subject, string dnsNames)
    {
        // Goal: a name is itself, in its own place: no wildcards, no other fields, no second common name.
        using var rig = new TlsRig(verifyPeer: true, allowed: ["alice ", "alice", "bob.example!", "*.bob.example"]);
        string[] names = Split(dnsNames.Replace("alice", "elsewhere"));
        using X509Certificate2 certificate = rig.Authority.Issue(subject, names);
        using NbdProbe probe = rig.Greet();
        probe.ExpectNoTls(certificate);
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Contain("none of the names").And.Contain("TLS"));
        rig.Server.WaitForConnections(0);
        Assert.That(rig.Server.Log.Of(3010), Is.Empty);
    }

    [Test]
    public void Who_shows_no_certificate_is_refused()
    {
        // Goal: asked for means needed.
        using var rig = new TlsRig(verifyPeer: true);
        using NbdProbe probe = rig.Greet();
        probe.ExpectNoTls();
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Contain("no certificate"));
    }

    [Test]
    public void A_certificate_of_another_authority_is_refused()
    {
        // Goal: only ca-cert.pem is trusted, whatever name it claims, and nothing of the system's.
        using var rig = new TlsRig(verifyPeer: true, allowed: ["alice"]);
        using var other = new TestAuthority();
        using X509Certificate2 certificate = other.Issue("CN=alice");
        using NbdProbe probe = rig.Greet();
        probe.ExpectNoTls(certificate);
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Contain("cannot be trusted"));
    }

    [Test]
    public void A_revoked_certificate_is_refused_as_soon_as_the_list_says_so()
    {
        // Goal: ca-crl.pem, which may come later, or never.
        using var rig = new TlsRig(verifyPeer: true);
        using X509Certificate2 bad = rig.Authority.Issue("CN=bad");
        using X509Certificate2 good = rig.Authority.Issue("CN=good");
        using (NbdProbe probe = rig.Greet().StartTls(bad).GoOn("vol0"))
            probe.Call(NBD_CMD_FLUSH, 0, 0);
        File.WriteAllText(rig.Certificate("ca-crl.pem"), rig.Authority.RevocationPem(bad));
        using (NbdProbe probe = rig.Greet())
            probe.ExpectNoTls(bad);
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Contain("ca-crl.pem"));
        using NbdProbe other = rig.Greet().StartTls(good).GoOn("vol0");
        Assert.That(other.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    [Test]
    public void Names_cannot_write_into_the_log()
    {
        // Goal: what a certificate bears is somebody else's text.
        using var rig = new TlsRig(verifyPeer: true, allowed: ["alice"]);
        using X509Certificate2 certificate = rig.Authority.Issue("CN=\"eve\n3010 alice\"");
        using NbdProbe probe = rig.Greet();
        probe.ExpectNoTls(certificate);
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Not.Contain("\n"));
    }

    private static string[] Split(string names) => names.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
