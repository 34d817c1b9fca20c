using DmIo.Testing;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>LIST, INFO, GO and what the server does not know (checklist 2.3, 2.4, 2.7, 2.12).</summary>
internal sealed class OptionTests
{
    private TestServer _server = null!;
    private NbdProbe _probe = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new TestServer();
        _probe = _server.Connect();
        _probe.Greet();
    }

    [TearDown]
    public void TearDown()
    {
        _probe.Dispose();
        _server.Dispose();
    }

    // Withdrawn, not built yet, or never heard of.
    private static readonly uint[] s_unknown =
    [
        0, 4, NBD_OPT_STARTTLS, 12, 0x12345678, uint.MaxValue,
    ];

    [TestCaseSource(nameof(s_unknown))]
    public void An_unknown_option_is_consumed_with_its_data_and_answered_unsup(uint option)
    {
        // Goal: H8, H9: whatever it carries, the next option parses.
        foreach (int length in new[] { 0, 1, 16, 5000, 200_000 })
        {
            OptionReply reply = _probe.Ask(option, Bytes.Random(length, length)).Single();
            Assert.That(reply.Type, Is.EqualTo(NBD_REP_ERR_UNSUP), $"{length} bytes");
        }
        Assert.That(_probe.Ask(NBD_OPT_LIST)[^1].Type, Is.EqualTo(NBD_REP_ACK));
    }

    [Test]
    public void The_list_holds_every_export_with_its_description()
    {
        // Goal: 2.3, one SERVER per export, then ACK.
        _server.Server.AddExport(new NbdExport("größe", _server.Export, readOnly: true));
        List<OptionReply> replies = _probe.Ask(NBD_OPT_LIST);
        Assert.That(
            replies.SkipLast(1).Select(r => r.ReadServer()),
            Is.EqualTo(new[] { ("vol0", "the first"), ("größe", "") }));
        Assert.That(replies[^1], Is.EqualTo(new OptionReply(NBD_OPT_LIST, NBD_REP_ACK, replies[^1].Data)));
        Assert.That(replies[^1].Data, Is.Empty);
    }

    [Test]
    public void A_list_with_a_payload_is_invalid()
    {
        // Goal: 2.3, LIST has no payload.
        Assert.That(_probe.Ask(NBD_OPT_LIST, 1, 2, 3).Single().Type, Is.EqualTo(NBD_REP_ERR_INVALID));
        Assert.That(_probe.Ask(NBD_OPT_LIST)[^1].Type, Is.EqualTo(NBD_REP_ACK));
    }

    [Test]
    public void Info_tells_what_go_tells_and_stays_in_negotiation()
    {
        // Goal: 2.3, INFO and GO agree (nbd-server long told size 0 here); 2.7, flags agree.
        byte[] data = NbdProbe.Info("vol0", NBD_INFO_NAME, NBD_INFO_DESCRIPTION, NBD_INFO_BLOCK_SIZE);
        List<OptionReply> info = _probe.Ask(NBD_OPT_INFO, data);
        List<OptionReply> go = _probe.Ask(NBD_OPT_GO, data);
        Assert.That(info.Select(r => (r.Type, Convert.ToHexString(r.Data))),
            Is.EqualTo(go.Select(r => (r.Type, Convert.ToHexString(r.Data)))));
        OptionReply Only(ushort type) => go.Single(r => r.InfoType == type);
        Assert.That(Only(NBD_INFO_EXPORT).ReadExport().Size, Is.EqualTo(TestServer.DefaultBytes));
        Assert.That(Only(NBD_INFO_NAME).Text, Is.EqualTo("vol0"));
        Assert.That(Only(NBD_INFO_DESCRIPTION).Text, Is.EqualTo("the first"));
        Assert.That(Only(NBD_INFO_BLOCK_SIZE).ReadBlockSizes(), Is.EqualTo((1u, 4096u, 32u << 20)));
        Assert.That(_probe.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
    }

    [Test]
    public void The_canonical_name_of_the_default_is_told_to_who_asks_for_it()
    {
        // Goal: 2.4, INFO_NAME.
        List<OptionReply> replies = _probe.Ask(NBD_OPT_INFO, NbdProbe.Info("", NBD_INFO_NAME));
        Assert.That(replies.Single(r => r.InfoType == NBD_INFO_NAME).Text, Is.EqualTo("vol0"));
    }

    [Test]
    public void Only_size_and_flags_are_told_to_who_asks_for_nothing_more()
    {
        // Goal: 2.12, nbd-client sends GO with no information requests and must get an export.
        List<OptionReply> replies = _probe.Ask(NBD_OPT_GO, NbdProbe.Info("vol0"));
        Assert.That(replies.Select(r => r.Type), Is.EqualTo(new[] { NBD_REP_INFO, NBD_REP_ACK }));
        Assert.That(replies[0].ReadExport().Flags, Is.EqualTo(
            NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_TRIM
            | NBD_FLAG_SEND_WRITE_ZEROES | NBD_FLAG_SEND_FAST_ZERO | NBD_FLAG_SEND_CACHE | NBD_FLAG_CAN_MULTI_CONN));
    }

    [Test]
    public void Unknown_and_repeated_information_requests_do_no_harm()
    {
        // Goal: 2.3, unknown types are ignored; each known one is answered once.
        ushort[] types = [NBD_INFO_BLOCK_SIZE, 4, 99, 0xffff, NBD_INFO_BLOCK_SIZE, NBD_INFO_EXPORT];
        List<OptionReply> replies = _probe.Ask(NBD_OPT_INFO, NbdProbe.Info("vol0", types));
        Assert.That(replies.Select(r => r.InfoType), Is.EquivalentTo(new[] { 0, 3, -1 }));
    }

    [Test]
    public void As_many_information_requests_as_can_be_counted_are_answered()
    {
        // Goal: 2.19, 65535 information requests.
        ushort[] types = [.. Enumerable.Range(0, 65535).Select(i => (ushort)i)];
        List<OptionReply> replies = _probe.Ask(NBD_OPT_INFO, NbdProbe.Info(new string('x', 4096), types));
        Assert.That(replies.Single().Type, Is.EqualTo(NBD_REP_ERR_UNKNOWN));
        replies = _probe.Ask(NBD_OPT_GO, NbdProbe.Info("vol0", types));
        Assert.That(replies.Select(r => r.InfoType), Is.EquivalentTo(new[] { 0, 1, 2, 3, -1 }));
    }

    private static IEnumerable<TestCaseData> MalformedInfo()
    {
        yield return Malformed("nothing", []);
        yield return Malformed("five bytes", new byte[5]);
        yield return Malformed("name of 2^32-1", [.. Bytes.U32(uint.MaxValue), .. "vol0"u8, 0, 0]);
        yield return Malformed("name of 2^31-1", [.. Bytes.U32(int.MaxValue), .. "vol0"u8, 0, 0]);
        yield return Malformed("name one too long", [.. Bytes.U32(5), .. "vol0"u8, 0, 0]);
        yield return Malformed("name eats the count", [.. Bytes.U32(6), .. "vol0"u8, 0, 0]);
        yield return Malformed("request missing", [.. Bytes.U32(4), .. "vol0"u8, 0, 1]);
        yield return Malformed("half a request", [.. Bytes.U32(4), .. "vol0"u8, 0, 1, 0]);
        yield return Malformed("odd byte behind", [.. Bytes.U32(4), .. "vol0"u8, 0, 0, 9]);
        yield return Malformed("uncounted request", [.. Bytes.U32(4), .. "vol0"u8, 0, 0, 0, 3]);
        yield return Malformed("65535 missing", [.. Bytes.U32(4), .. "vol0"u8, 255, 255]);
        yield return Malformed("NUL in the name", [.. Bytes.U32(5), .. "vol0\0"u8, 0, 0]);
        yield return Malformed("name not UTF-8", [.. Bytes.U32(2), 0xc3, 0x28, 0, 0]);
        yield return Malformed("name of 4097", [.. Bytes.U32(4097), .. new byte[4097], 0, 0]);
    }

    private static TestCaseData Malformed(string how, byte[] data) => new TestCaseData(data).SetArgDisplayNames(how);

    [TestCaseSource(nameof(MalformedInfo))]
    public void Malformed_info_and_go_are_invalid_and_the_next_option_parses(byte[] data)
    {
        // Goal: 2.3 and 2.19 (CVE-2022-26495/6, name length 0xffffffff): lengths are checked before they are used.
        foreach (uint option in new[] { NBD_OPT_INFO, NBD_OPT_GO })
            Assert.That(_probe.Ask(option, data).Single().Type, Is.EqualTo(NBD_REP_ERR_INVALID));
        Assert.That(_probe.Ask(NBD_OPT_GO, NbdProbe.Info("vol0"))[^1].Type, Is.EqualTo(NBD_REP_ACK));
    }

    [TestCase(1)]
    [TestCase(4096)]
    public void A_long_unknown_name_is_unknown(int length)
    {
        // Goal: CVE-2020-10761, a long name in an error's text.
        foreach (uint option in new[] { NBD_OPT_INFO, NBD_OPT_GO })
        {
            OptionReply reply = _probe.Ask(option, NbdProbe.Info(new string('n', length))).Single();
            Assert.That(reply.Type, Is.EqualTo(NBD_REP_ERR_UNKNOWN));
            Assert.That(reply.Data, Has.Length.LessThan(4096));
        }
        Assert.That(_probe.Ask(NBD_OPT_GO, NbdProbe.Info("vol0"))[^1].Type, Is.EqualTo(NBD_REP_ACK));
    }

    [Test]
    public void Go_serves_the_export_that_it_names_whatever_info_asked_for_before()
    {
        // Goal: CVE-2019-14851, INFO with one name and GO with another.
        using var other = new OtherDevice(_server, 65536);
        _server.Server.AddExport(new NbdExport("small", other.Device, readOnly: true));
        _probe.Ask(NBD_OPT_INFO, NbdProbe.Info("vol0"));
        List<OptionReply> replies = _probe.Ask(NBD_OPT_GO, NbdProbe.Info("small"));
        (ulong size, ushort flags) = replies[0].ReadExport();
        Assert.That(size, Is.EqualTo(65536));
        Assert.That(flags & NBD_FLAG_READ_ONLY, Is.Not.Zero);
        Assert.That(_probe.Write(0, new byte[512]), Is.EqualTo(NBD_EPERM));
        Assert.That(_probe.Call(NBD_CMD_READ, 65536, 512), Is.EqualTo(NBD_EINVAL));
    }

    [Test]
    public void A_failed_go_may_be_tried_again()
    {
        // Goal: H9, a GO that fails leaves the stream in order (nbd-server left its requests unread until 3.26).
        _probe.Ask(NBD_OPT_GO, NbdProbe.Info("none", NBD_INFO_BLOCK_SIZE, NBD_INFO_NAME));
        Assert.That(_probe.Ask(NBD_OPT_GO, NbdProbe.Info("vol0"))[^1].Type, Is.EqualTo(NBD_REP_ACK));
    }

    [Test]
    public void Large_exports_are_told_to_the_byte()
    {
        // Goal: nbd #44, exports above 1 TiB; 2.12, sizes up to 2^63.
        foreach (long bytes in new[] { 1L << 40, (1L << 42) + 512, long.MaxValue & -512L })
        {
            var huge = new HugeDevice(_server.Loop, Sectors.FromBytes(bytes));
            _server.Server.AddExport(new NbdExport($"huge{bytes}", huge, readOnly: false));
            List<OptionReply> replies = _probe.Ask(NBD_OPT_INFO, NbdProbe.Info($"huge{bytes}"));
            Assert.That(replies[0].ReadExport().Size, Is.EqualTo((ulong)bytes));
        }
    }

    /// <summary>A second device on the server's loop, freed with the test.</summary>
    private sealed class OtherDevice(TestServer server, int bytes) : IDisposable
    {
        public PassThroughDevice Device { get; } =
            new(new ScriptedDevice(server.Loop, "other", Sectors.FromBytes(bytes)));

        // The server goes first: its connections use the device.
        public void Dispose() => TestServer.Wait(server.Server.DisposeAsync().AsTask());
    }

    private sealed class HugeDevice(IoLoop loop, Sectors length) : OrderedDevice(loop)
    {
        public override string Name => "huge";

        public override Sectors Length => length;

        protected override void Start(BlockRequest request) => request.Complete(Loop, Errno.EIO);
    }
}
