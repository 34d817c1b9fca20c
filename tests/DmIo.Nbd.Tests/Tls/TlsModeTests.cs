using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>NOTLS, FORCEDTLS and SELECTIVETLS, to the letter (checklist 2.5).</summary>
internal sealed class TlsModeTests
{
    private const uint NoZeroes = NBD_FLAG_C_NO_ZEROES;
    private const uint Unknown = 0x12345;

    [Test]
    public void Without_certificates_nothing_is_said_of_tls()
    {
        // Goal: NOTLS: STARTTLS is UNSUP, with data or without, and the connection goes on in the clear.
        using var server = new TestServer();
        using NbdProbe probe = server.Connect();
        probe.Greet();
        Assert.That(probe.Ask(NBD_OPT_STARTTLS)[^1].Type, Is.EqualTo(NBD_REP_ERR_UNSUP));
        probe.GoOn("vol0");
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]));
    }

    [TestCase(NBD_OPT_LIST)]
    [TestCase(NBD_OPT_INFO)]
    [TestCase(NBD_OPT_GO)]
    [TestCase(NBD_OPT_STRUCTURED_REPLY)]
    [TestCase(NBD_OPT_LIST_META_CONTEXT)]
    [TestCase(NBD_OPT_SET_META_CONTEXT)]
    [TestCase(NBD_OPT_EXTENDED_HEADERS)]
    [TestCase(4u)]
    [TestCase(Unknown)]
    public void Where_tls_is_required_every_option_before_it_is_told_so(uint option)
    {
        // Goal: FORCEDTLS: TLS_REQD whatever the option and its data are, and the next one parses.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet();
        foreach (byte[] data in (byte[][])[[], NbdProbe.Info("vol0"), NbdProbe.Info("no such export"), [1, 2, 3]])
        {
            List<OptionReply> replies = probe.Ask(option, data);
            Assert.That(replies.Select(r => r.Type), Is.EqualTo([NBD_REP_ERR_TLS_REQD]));
        }
        probe.StartTls().GoOn("vol0");
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]));
    }

    [TestCase("vol0")]
    [TestCase("")]
    [TestCase("no such export")]
    public void Where_tls_is_required_export_name_ends_the_connection(string name)
    {
        // Goal: FORCEDTLS: an option without error replies gets the only answer that there is, and nothing of the export.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet();
        probe.Send(NbdProbe.Option(NBD_OPT_EXPORT_NAME, System.Text.Encoding.UTF8.GetBytes(name)));
        probe.ExpectClosed();
        Assert.That(rig.Server.Log.Of(3010), Is.Empty);
    }

    [Test]
    public void Abort_is_acknowledged_before_tls()
    {
        // Goal: FORCEDTLS has two options that need no TLS, STARTTLS and this one.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet();
        Assert.That(probe.Ask(NBD_OPT_ABORT)[^1].Type, Is.EqualTo(NBD_REP_ACK));
        probe.ExpectClosed();
    }

    [Test]
    public void In_tls_options_are_answered_as_ever_and_tls_is_not_begun_twice([Values] bool isRequired)
    {
        // Goal: after TLS never TLS_REQD; a second STARTTLS is INVALID.
        using var rig = new TlsRig(isRequired);
        rig.Server.AddSecret();
        using NbdProbe probe = rig.Greet().StartTls();
        Assert.That(probe.Ask(NBD_OPT_STARTTLS)[^1].Type, Is.EqualTo(NBD_REP_ERR_INVALID));
        Assert.That(probe.Ask(Unknown)[^1].Type, Is.EqualTo(NBD_REP_ERR_UNSUP));
        IEnumerable<string> names = probe.Ask(NBD_OPT_LIST).SkipLast(1).Select(r => r.ReadServer().Name);
        Assert.That(names, Is.EqualTo(["vol0", "secret"]));
        Assert.That(probe.Ask(NBD_OPT_INFO, NbdProbe.Info("secret"))[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Assert.That(probe.Ask(NBD_OPT_INFO, NbdProbe.Info("nothing"))[^1].Type, Is.EqualTo(NBD_REP_ERR_UNKNOWN));
        probe.GoOn("secret");
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]));
    }

    [Test]
    public void Export_name_works_in_tls()
    {
        // Goal: the old way in is open to clients in TLS.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet().StartTls();
        probe.Send(NbdProbe.Option(NBD_OPT_EXPORT_NAME, "vol0"u8));
        Assert.That(probe.Receive(10)[..8], Is.EqualTo(Bytes.U64(TestServer.DefaultBytes)));
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]));
    }

    [Test]
    public void Starttls_with_data_is_invalid_and_may_be_tried_again()
    {
        // Goal: 2.3, option 5 has no payload.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet();
        Assert.That(probe.Ask(NBD_OPT_STARTTLS, 1, 2, 3)[^1].Type, Is.EqualTo(NBD_REP_ERR_INVALID));
        probe.StartTls().GoOn("vol0");
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    [Test]
    public void Only_exports_that_require_tls_are_kept_from_clients_without_it()
    {
        // Goal: SELECTIVETLS: hidden from lists, TLS_REQD to those who know the name, all else in the clear.
        using var rig = new TlsRig(isRequired: false);
        rig.Server.AddSecret();
        using NbdProbe probe = rig.Greet();
        IEnumerable<string> names = probe.Ask(NBD_OPT_LIST).SkipLast(1).Select(r => r.ReadServer().Name);
        Assert.That(names, Is.EqualTo(["vol0"]));
        foreach (uint option in (uint[])[NBD_OPT_INFO, NBD_OPT_GO])
        {
            List<OptionReply> replies = probe.Ask(option, NbdProbe.Info("secret"));
            Assert.That(replies.Select(r => r.Type), Is.EqualTo([NBD_REP_ERR_TLS_REQD]));
        }
        Assert.That(probe.Ask(Unknown)[^1].Type, Is.EqualTo(NBD_REP_ERR_UNSUP));
        probe.GoOn("vol0");
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]));
    }

    [Test]
    public void Export_name_of_an_export_that_requires_tls_ends_the_connection()
    {
        // Goal: SELECTIVETLS, the option without error replies.
        using var rig = new TlsRig(isRequired: false);
        rig.Server.AddSecret();
        using NbdProbe probe = rig.Greet();
        probe.Send(NbdProbe.Option(NBD_OPT_EXPORT_NAME, "secret"u8));
        probe.ExpectClosed();
        Assert.That(rig.Server.Log.WaitFor(3014), Does.Contain("TLS"));
    }

    [TestCase(0u)]
    [TestCase(NoZeroes)]
    public void Who_does_not_know_fixed_newstyle_cannot_have_tls_and_hears_nothing_of_it(uint flags)
    {
        // Goal: H3: to such a client the server is one without TLS; what requires TLS is then not to be had at all.
        using var selective = new TlsRig(isRequired: false);
        selective.Server.AddSecret();
        using NbdProbe probe = selective.Server.Connect();
        probe.Greet(flags);
        Assert.That(probe.Ask(NBD_OPT_STARTTLS)[^1].Type, Is.EqualTo(NBD_REP_ERR_POLICY));
        Assert.That(probe.Ask(NBD_OPT_INFO, NbdProbe.Info("secret"))[^1].Type, Is.EqualTo(NBD_REP_ERR_UNKNOWN));
        Assert.That(probe.Ask(NBD_OPT_INFO, NbdProbe.Info("vol0"))[^1].Type, Is.EqualTo(NBD_REP_ACK));

        using var required = new TlsRig();
        using NbdProbe other = required.Server.Connect();
        other.Greet(flags);
        other.Send(NbdProbe.Option(NBD_OPT_LIST));
        other.ExpectClosed();
    }

    [Test]
    public void An_export_cannot_require_tls_of_a_server_without_it()
    {
        // Goal: no silent fallback (rule 9).
        using var server = new TestServer();
        Assert.That(server.AddSecret, Throws.ArgumentException);
    }

    [Test]
    public void A_stopping_server_begins_no_tls()
    {
        // Goal: H14 comes before TLS.
        using var rig = new TlsRig();
        using NbdProbe probe = rig.Greet();
        using NbdProbe busy = rig.Go();
        rig.Server.OnLoop(d => d.Holds = true);
        busy.Send(NbdProbe.Request(NBD_CMD_READ, 0, 512, 1));
        rig.Server.WaitForHeld(1);
        Task stop = rig.Server.Server.StopAsync(TimeSpan.FromSeconds(20));
        Assert.That(() => probe.Ask(NBD_OPT_STARTTLS, 1)[^1].Type, Is.EqualTo(NBD_REP_ERR_SHUTDOWN).After(5000, 5));
        rig.Server.OnLoop(d =>
        {
            d.Holds = false;
            d.ReleaseAll();
        });
        TestServer.Wait(stop);
    }
}
