using System.Security.Authentication;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Where plain text ends and TLS begins, and what must not pass (checklist 2.5, CVE-2021-3716).</summary>
internal sealed class TlsBoundaryTests
{
    private static readonly byte[] s_injected =
    [
        .. NbdProbe.Option(NBD_OPT_GO, NbdProbe.Info("vol0")), .. NbdProbe.Request(NBD_CMD_WRITE, 0, 512, 1), .. new byte[512],
    ];

    [Test]
    public void What_comes_in_the_clear_together_with_starttls_is_never_understood()
    {
        // Goal: CVE-2021-3716: bytes that someone put behind STARTTLS must not be taken for what the client says in TLS.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet();
        probe.Send([.. NbdProbe.Option(NBD_OPT_STARTTLS), .. s_injected]);
        Assert.That(probe.ReadOptionReply().Type, Is.EqualTo(NBD_REP_ACK));
        probe.ExpectClosed();
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Contain("behind STARTTLS"));
        Assert.That(rig.Server.OnLoop(d => d.Log.Count), Is.Zero);
    }

    [Test]
    public void What_comes_in_the_clear_after_the_answer_is_no_tls()
    {
        // Goal: the same a moment later: it goes to TLS, which has no use for it.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet();
        Assert.That(probe.Ask(NBD_OPT_STARTTLS)[^1].Type, Is.EqualTo(NBD_REP_ACK));
        probe.Send(s_injected);
        probe.ExpectNothingOfNbd();
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Contain("TLS"));
        Assert.That(rig.Server.Log.Of(3010), Is.Empty);
        Assert.That(rig.Server.OnLoop(d => d.Log.Count), Is.Zero);
    }

    [Test]
    public void What_was_negotiated_in_the_clear_does_not_count_in_tls()
    {
        // Goal: 2.3, all earlier state is dropped: a client that wants structured replies asks for them in TLS.
        using var rig = new TlsRig(isRequired: false);
        using NbdProbe probe = rig.Greet();
        probe.Ask(NBD_OPT_STRUCTURED_REPLY);
        probe.StartTls().GoOn("vol0");
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]), "a simple reply");
    }

    [Test]
    public void A_client_hello_may_come_byte_by_byte()
    {
        // Goal: records are put together however they come.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet();
        Assert.That(probe.Ask(NBD_OPT_STARTTLS)[^1].Type, Is.EqualTo(NBD_REP_ACK));
        probe.BeginTls(pieceBytes: 1);
        probe.GoOn("vol0");
        Assert.That(probe.Write(0, Bytes.Random(1000, 1)), Is.Zero);
        Assert.That(probe.Read(0, 1000), Is.EqualTo(Bytes.Random(1000, 1)));
    }

    [TestCase(3, 1)]
    [TestCase(3, 2)]
    public void Versions_before_tls_1_2_are_refused(byte major, byte minor)
    {
        // Goal: a ClientHello that offers nothing newer gets the alert protocol_version.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet();
        Assert.That(probe.Ask(NBD_OPT_STARTTLS)[^1].Type, Is.EqualTo(NBD_REP_ACK));
        byte[] body = [major, minor, .. Bytes.Random(32, 1), 0, 0, 4, 0xc0, 0x14, 0xc0, 0x0a, 1, 0];
        byte[] hello = [1, 0, 0, (byte)body.Length, .. body];
        probe.Send([22, 3, 1, 0, (byte)hello.Length, .. hello]);
        byte[] alert = probe.Receive(7);
        Assert.That((alert[0], alert[5], alert[6]), Is.EqualTo((21, 2, 70)));
        probe.ExpectClosed();
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Contain("TLS"));
    }

    [TestCase(SslProtocols.Tls12, "TLS 1.2")]
    [TestCase(SslProtocols.Tls13, "TLS 1.3")]
    public void The_two_versions_there_are_can_be_had(SslProtocols protocol, string name)
    {
        // Goal: what is in use can be seen.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet().StartTls(protocols: protocol).GoOn("vol0");
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]));
        NbdTlsInfo tls = TestServer.Wait(rig.Server.Server.ReadConnectionsAsync()).Single().Tls!;
        Assert.That(tls.Protocol, Is.EqualTo(name));
        Assert.That(tls.Cipher, Does.StartWith("TLS_"));
        Assert.That(tls.PeerName, Is.Null);
        Assert.That(rig.Server.Log.WaitFor(3030), Does.Contain(name));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(100)]
    public void The_tls_handshake_counts_under_the_deadline(int bytes)
    {
        // Goal: who stops in the middle of it is dropped like any other slow client.
        using var rig = new TlsRig(limits: new NbdLimits { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });
        using NbdProbe probe = rig.Greet();
        Assert.That(probe.Ask(NBD_OPT_STARTTLS)[^1].Type, Is.EqualTo(NBD_REP_ACK));
        byte[] hello = [22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3];
        probe.Send([.. hello.AsSpan(0, Math.Min(bytes, hello.Length))]);
        probe.ExpectClosed();
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Contain("took too long"));
        rig.Server.WaitForConnections(0);
    }

    [Test]
    public void A_client_may_leave_in_the_middle_of_the_tls_handshake()
    {
        // Goal: its slot comes back at once.
        using var rig = new TlsRig();
        for (int bytes = 0; bytes < 12; bytes++)
        {
            using NbdProbe probe = rig.Greet();
            Assert.That(probe.Ask(NBD_OPT_STARTTLS)[^1].Type, Is.EqualTo(NBD_REP_ACK));
            probe.Send(((byte[])[22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3, 9]).AsSpan(0, bytes));
        }
        rig.Server.WaitForConnections(0);
    }
}
