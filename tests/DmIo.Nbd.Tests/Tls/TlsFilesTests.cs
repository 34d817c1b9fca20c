using System.Security.Cryptography.X509Certificates;
using DmIo.Testing;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>The directory of certificates: what is wrong with it, and what happens when it changes.</summary>
internal sealed class TlsFilesTests
{
    [TestCase("", "no such directory")]
    [TestCase("server-cert.pem", "server-cert.pem: does not exist")]
    [TestCase("server-key.pem", "server-key.pem: does not exist")]
    [TestCase("ca-cert.pem", "ca-cert.pem: does not exist")]
    public void A_missing_file_is_named(string file, string said)
    {
        // Goal: what, and what to do.
        using var rig = new TlsRig();
        NbdTls tls = rig.Settings with { VerifyPeer = true };
        Assert.That(tls.FindMistake(), Is.Null);
        if (file.Length > 0)
            File.Delete(rig.Certificate(file));
        else
            tls = tls with { Directory = rig.PathOf("nowhere") };
        Assert.That(tls.FindMistake(), Does.Contain(said).And.Contain("; "));
        Assert.That(() => new NbdServer(rig.Server.Front, new NbdLimits(), rig.Server.Log, tls), Throws.InstanceOf<IOException>());
    }

    [TestCase("server-cert.pem", "hello", "holds no certificate")]
    [TestCase("server-cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "cannot be read")]
    [TestCase("server-key.pem", "hello", "is no private key of server-cert.pem")]
    [TestCase("server-key.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", "encrypted")]
    [TestCase("ca-cert.pem", "hello", "holds no certificate")]
    [TestCase("ca-crl.pem", "hello", "holds no list")]
    public void A_file_of_no_use_is_named(string file, string text, string said)
    {
        // Goal: what, and what to do.
        using var rig = new TlsRig();
        File.WriteAllText(rig.Certificate(file), text);
        string? mistake = (rig.Settings with { VerifyPeer = true }).FindMistake();
        Assert.That(mistake, Does.StartWith(rig.Certificate(file)).And.Contain(said));
    }

    [Test]
    public void A_key_of_another_certificate_is_a_mistake()
    {
        // Goal: the commonest way to get it wrong is told as what it is.
        using var rig = new TlsRig();
        rig.Authority.WriteServer(rig.PathOf("other"));
        File.Copy(rig.PathOf("other/server-key.pem"), rig.Certificate("server-key.pem"), overwrite: true);
        Assert.That(rig.Settings.FindMistake(), Does.Contain("is no private key of server-cert.pem"));
    }

    [Test]
    public void The_authority_is_not_needed_where_clients_show_nothing()
    {
        // Goal: server-cert.pem and server-key.pem are enough for encryption.
        using var rig = new TlsRig();
        File.Delete(rig.Certificate("ca-cert.pem"));
        Assert.That(rig.Settings.FindMistake(), Is.Null);
    }

    [Test]
    public void New_certificates_are_used_by_new_connections()
    {
        // Goal: without a restart; connections that are open stay as they are.
        using var rig = new TlsRig();
        using NbdProbe first = rig.Go();
        using X509Certificate2 renewed = rig.Authority.Issue("CN=renewed", "localhost");
        rig.Authority.WriteServer(rig.Settings.Directory, renewed);
        using NbdProbe second = rig.Go();
        Assert.That(second.ServerCertificate!.Subject, Is.EqualTo("CN=renewed"));
        Assert.That(first.Read(0, 512), Is.EqualTo(new byte[512]));
        Assert.That(rig.Server.Log.WaitFor(3031), Does.Contain("new certificates"));
        using NbdProbe third = rig.Go();
        Assert.That(rig.Server.Log.Of(3031).Count(), Is.EqualTo(1));
    }

    [Test]
    public void A_new_set_that_is_of_no_use_leaves_the_old_one_in_force()
    {
        // Goal: a certificate that is half replaced stops nobody, is told once, and is taken up when it is whole.
        using var rig = new TlsRig();
        using X509Certificate2 renewed = rig.Authority.Issue("CN=renewed", "localhost");
        rig.Authority.WriteServer(rig.PathOf("new"), renewed);
        File.Move(rig.PathOf("new/server-cert.pem"), rig.Certificate("server-cert.pem"), overwrite: true);
        for (int i = 0; i < 3; i++)
        {
            using NbdProbe probe = rig.Go();
            Assert.That(probe.ServerCertificate!.Subject, Is.EqualTo("CN=localhost"));
        }
        Assert.That(rig.Server.Log.Of(3032).Single(), Does.Contain("server-key.pem").And.Contain("from before"));
        File.Move(rig.PathOf("new/server-key.pem"), rig.Certificate("server-key.pem"), overwrite: true);
        using NbdProbe next = rig.Go();
        Assert.That(next.ServerCertificate!.Subject, Is.EqualTo("CN=renewed"));
    }

    [Test]
    public void Clients_are_checked_by_the_authority_that_holds_now()
    {
        // Goal: who was let in before is not let in by remembering.
        using var rig = new TlsRig(verifyPeer: true);
        using X509Certificate2 certificate = rig.Authority.Issue("CN=alice");
        using (NbdProbe probe = rig.Greet().StartTls(certificate).GoOn("vol0"))
            Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        using var other = new TestAuthority("the next");
        other.WriteServer(rig.Settings.Directory);
        using NbdProbe again = rig.Greet();
        again.ExpectNoTls(certificate);
    }
}
