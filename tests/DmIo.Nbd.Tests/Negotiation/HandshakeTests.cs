using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>Greeting, client flags, option framing, EXPORT_NAME and ABORT (checklist 2.1, 2.2).</summary>
internal sealed class HandshakeTests
{
    private const uint Newstyle = NBD_FLAG_C_FIXED_NEWSTYLE;
    private const uint NoZeroes = NBD_FLAG_C_NO_ZEROES;

    private TestServer _server = null!;

    [SetUp]
    public void SetUp() => _server = new TestServer();

    [TearDown]
    public void TearDown() => _server.Dispose();

    [Test]
    public void The_greeting_offers_fixed_newstyle_and_no_zeroes_and_nothing_else()
    {
        // Goal: H1, exactly two handshake flags.
        using NbdProbe probe = _server.Connect();
        Assert.That(probe.ReadGreeting(), Is.EqualTo(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES));
    }

    [TestCase(1u << 2)]
    [TestCase(1u << 31)]
    [TestCase(uint.MaxValue)]
    public void Unknown_client_flags_end_the_connection(uint flags)
    {
        // Goal: H2, a flag that was not offered is answered by closing.
        using NbdProbe probe = _server.Connect();
        probe.Greet(flags);
        probe.ExpectClosed();
        Assert.That(_server.Log.WaitFor(3014), Does.Contain("unknown client flags"));
    }

    [TestCase(0u)]
    [TestCase(Newstyle)]
    [TestCase(NoZeroes)]
    [TestCase(Newstyle | NoZeroes)]
    public void Every_combination_of_known_client_flags_can_negotiate(uint flags)
    {
        // Goal: H3, lenient to clients that do not claim fixed newstyle.
        using NbdProbe probe = _server.Connect();
        probe.Greet(flags);
        Assert.That(probe.Ask(NBD_OPT_GO, NbdProbe.Info("vol0"))[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    [Test]
    public void An_option_without_its_magic_ends_the_connection()
    {
        // Goal: H4.
        using NbdProbe probe = _server.Connect();
        probe.Greet();
        byte[] option = NbdProbe.Option(NBD_OPT_LIST);
        option[0] ^= 1;
        probe.Send(option);
        probe.ExpectClosed();
    }

    [TestCase(Newstyle, 124)]
    [TestCase(Newstyle | NoZeroes, 0)]
    public void Export_name_is_answered_with_zeroes_unless_both_sides_do_without(uint flags, int zeroes)
    {
        // Goal: H5, H6: no option reply, size, flags, padding, then transmission.
        using NbdProbe probe = _server.Connect();
        probe.Greet(flags);
        probe.Send(NbdProbe.Option(NBD_OPT_EXPORT_NAME, "vol0"u8));
        byte[] answer = probe.Receive(10 + zeroes);
        Assert.That(answer[..8], Is.EqualTo(Bytes.U64(TestServer.DefaultBytes)));
        Assert.That(answer[10..], Is.All.Zero);
        Assert.That(probe.Read(0, 512), Is.EqualTo(new byte[512]));
    }

    [Test]
    public void Go_is_never_followed_by_zeroes()
    {
        // Goal: H7, also for a client that did not negotiate NO_ZEROES.
        using NbdProbe probe = _server.Connect();
        probe.Greet(Newstyle);
        probe.Ask(NBD_OPT_GO, NbdProbe.Info("vol0"));
        probe.ExpectSilence();
        Assert.That(probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    [Test]
    public void Export_name_selects_the_default_by_the_empty_name()
    {
        // Goal: 2.3, EXPORT_NAME with zero length.
        using NbdProbe probe = _server.Connect();
        probe.Greet();
        probe.Send(NbdProbe.Option(NBD_OPT_EXPORT_NAME));
        Assert.That(probe.Receive(10)[..8], Is.EqualTo(Bytes.U64(TestServer.DefaultBytes)));
    }

    [TestCase(5)]
    [TestCase(4096)]
    [TestCase(4097)]
    [TestCase(200_000)]
    public void Export_name_of_something_else_ends_the_connection(int length)
    {
        // Goal: H6, H10: EXPORT_NAME has no error reply; longer than a string may be is no different.
        using NbdProbe probe = _server.Connect();
        probe.Greet();
        byte[] name = new byte[length];
        name.AsSpan().Fill((byte)'x');
        probe.Send(NbdProbe.Option(NBD_OPT_EXPORT_NAME, name));
        probe.ExpectClosed();
    }

    [TestCase(0)]
    [TestCase(17)]
    public void Abort_is_acknowledged_whatever_it_carries_and_then_closed(int payload)
    {
        // Goal: H13.
        using NbdProbe probe = _server.Connect();
        probe.Greet();
        Assert.That(probe.Ask(NBD_OPT_ABORT, new byte[payload]).Single().Type, Is.EqualTo(NBD_REP_ACK));
        probe.ExpectClosed();
        _server.WaitForConnections(0);
    }

    [Test]
    public void A_client_that_aborts_and_does_not_wait_for_the_answer_harms_nobody()
    {
        // Goal: H13, tolerate a client that closes without reading.
        using (NbdProbe probe = _server.Connect())
        {
            probe.Greet();
            probe.Send(NbdProbe.Option(NBD_OPT_ABORT));
        }
        _server.WaitForConnections(0);
        using NbdProbe next = _server.Go();
        Assert.That(next.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    [Test]
    public void A_whole_negotiation_may_come_byte_by_byte()
    {
        // Goal: framing does not depend on how the stream is cut.
        using NbdProbe probe = _server.Connect();
        probe.ReadGreeting();
        probe.SendInPieces(
            [.. Bytes.U32(Newstyle | NoZeroes), .. NbdProbe.Option(NBD_OPT_LIST),
                .. NbdProbe.Option(NBD_OPT_GO, NbdProbe.Info("vol0", NBD_INFO_BLOCK_SIZE))],
            1);
        Assert.That(probe.ReadReplies(NBD_OPT_LIST), Has.Count.EqualTo(2));
        Assert.That(probe.ReadReplies(NBD_OPT_GO), Has.Count.EqualTo(3));
    }

    [Test]
    public void A_whole_session_may_come_in_one_segment()
    {
        // Goal: H11, coalesced arrival across the change from options to requests, and from one loop to the other.
        using NbdProbe probe = _server.Connect();
        byte[] data = Bytes.Random(4096, 1);
        probe.Send(
            [.. Bytes.U32(Newstyle | NoZeroes), .. NbdProbe.Option(NBD_OPT_STRUCTURED_REPLY),
                .. NbdProbe.Option(NBD_OPT_GO, NbdProbe.Info("vol0")),
                .. NbdProbe.Request(NBD_CMD_WRITE, 8192, 4096, 7), .. data,
                .. NbdProbe.Request(NBD_CMD_DISC, 0, 0)]);
        probe.ReadGreeting();
        Assert.That(probe.ReadOptionReply().Type, Is.EqualTo(NBD_REP_ACK));
        Assert.That(probe.ReadReplies(NBD_OPT_GO)[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Assert.That(probe.Expect(7), Is.Zero);
        probe.ExpectClosed();
        Assert.That(_server.Contents()[8192..12288], Is.EqualTo(data));
    }

    [Test]
    public void Nothing_is_asked_of_the_device_before_a_client_has_chosen_it()
    {
        // Goal: CVE-2019-14850, opening or reading backends for half-open clients is an amplification.
        using NbdProbe probe = _server.Connect();
        probe.Greet();
        probe.Ask(NBD_OPT_LIST);
        probe.Ask(NBD_OPT_INFO, NbdProbe.Info("vol0", NBD_INFO_BLOCK_SIZE));
        Assert.That(_server.OnLoop(d => d.Log.Count), Is.Zero);
    }
}
