using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>How clients agree on structured replies and extended headers (checklist 2.3, 2.7).</summary>
internal sealed class ReplyFormTests
{
    private const int Plain = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_TRIM
        | NBD_FLAG_SEND_WRITE_ZEROES | NBD_FLAG_SEND_FAST_ZERO | NBD_FLAG_SEND_CACHE | NBD_FLAG_CAN_MULTI_CONN;

    private TestServer _server = null!;
    private NbdProbe _probe = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new TestServer();
        _probe = _server.Connect();
    }

    [TearDown]
    public void TearDown()
    {
        _probe.Dispose();
        _server.Dispose();
    }

    [TestCase(NBD_OPT_STRUCTURED_REPLY)]
    [TestCase(NBD_OPT_EXTENDED_HEADERS)]
    public void They_are_agreed_on_without_data_as_often_as_asked(uint option)
    {
        // Goal: data is INVALID and changes nothing; asking twice does no harm.
        _probe.Greet();
        Assert.That(_probe.Ask(option, 1).Single().Type, Is.EqualTo(NBD_REP_ERR_INVALID));
        Assert.That(Flags() & NBD_FLAG_SEND_DF, Is.Zero);
        Assert.That(_probe.Ask(option).Single().Type, Is.EqualTo(NBD_REP_ACK));
        Assert.That(_probe.Ask(option).Single().Type, Is.EqualTo(NBD_REP_ACK));
        Assert.That(Flags() & NBD_FLAG_SEND_DF, Is.Not.Zero);
    }

    [Test]
    public void Extended_headers_win_over_structured_replies_whatever_comes_first()
    {
        // Goal: structured, then extended is extended; structured after extended is EXT_HEADER_REQD and changes nothing.
        _probe.Greet();
        _probe.AgreeOn(ReplyForm.Structured);
        _probe.AgreeOn(ReplyForm.Extended);
        Assert.That(_probe.Ask(NBD_OPT_STRUCTURED_REPLY).Single().Type, Is.EqualTo(NBD_REP_ERR_EXT_HEADER_REQD));
        _probe.Ask(NBD_OPT_GO, NbdProbe.Info(""));
        Assert.That(_probe.Chunks(NBD_CMD_FLUSH, 0, 0).Single().Type, Is.EqualTo(NBD_REPLY_TYPE_NONE));
    }

    [Test]
    public void The_old_way_of_choosing_ends_the_connection_after_extended_headers()
    {
        // Goal: 2.3: EXPORT_NAME is forbidden then.
        _probe.Greet();
        _probe.AgreeOn(ReplyForm.Extended);
        _probe.Send(NbdProbe.Option(NBD_OPT_EXPORT_NAME, "vol0"u8));
        _probe.ExpectClosed();
    }

    [Test]
    public void The_old_way_of_choosing_goes_with_structured_replies()
    {
        // Goal: H6, with the flags of what was agreed on.
        _probe.Greet();
        _probe.AgreeOn(ReplyForm.Structured);
        _probe.Send(NbdProbe.Option(NBD_OPT_EXPORT_NAME, "vol0"u8));
        byte[] answer = _probe.Receive(ExportNameReplyBytes);
        Assert.That(answer[8] << 8 | answer[9], Is.EqualTo(Plain | NBD_FLAG_SEND_DF));
        Assert.That(_probe.ReadChunked(0, 512), Is.EqualTo(new byte[512]));
    }

    [Test]
    public void Flags_say_what_was_negotiated_in_info_and_go_alike()
    {
        // Goal: 2.7: DF only with structured or extended replies, BLOCK_STATUS_PAYLOAD only with extended headers and
        // contexts of this export.
        _server.Server.AddExport(new NbdExport("other", _server.Export, readOnly: false));
        _probe.Greet();
        Assert.That(Flags(), Is.EqualTo(Plain));
        _probe.AgreeOn(ReplyForm.Structured);
        _probe.Select("", "base:allocation");
        Assert.That(Flags(), Is.EqualTo(Plain | NBD_FLAG_SEND_DF));
        _probe.AgreeOn(ReplyForm.Extended);
        Assert.That(Flags(), Is.EqualTo(Plain | NBD_FLAG_SEND_DF | NBD_FLAG_BLOCK_STATUS_PAYLOAD));
        Assert.That(Flags("other"), Is.EqualTo(Plain | NBD_FLAG_SEND_DF));
        Assert.That(Flags("vol0", NBD_OPT_GO), Is.EqualTo(Plain | NBD_FLAG_SEND_DF | NBD_FLAG_BLOCK_STATUS_PAYLOAD));
    }

    private int Flags(string export = "", uint option = NBD_OPT_INFO) =>
        _probe.Ask(option, NbdProbe.Info(export)).Single(r => r.InfoType == NBD_INFO_EXPORT).ReadExport().Flags;
}
