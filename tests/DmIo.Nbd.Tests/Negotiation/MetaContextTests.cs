using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>LIST_META_CONTEXT and SET_META_CONTEXT (checklist 2.3, 2.11).</summary>
internal sealed class MetaContextTests
{
    private static readonly string[] s_all = ["base:allocation", "x-dmio:failed-legs", "x-dmio:out-of-sync"];

    private MirrorServer _server = null!;
    private NbdProbe _probe = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new MirrorServer(overTcp: false);
        _probe = new NbdProbe(_server.Listener.Address);
        _probe.Greet();
    }

    [TearDown]
    public void TearDown()
    {
        _probe.Dispose();
        _server.Dispose();
    }

    [TestCase(new string[0], new[] { 0, 1, 2 })]
    [TestCase(new[] { "base:" }, new[] { 0 })]
    [TestCase(new[] { "x-dmio:" }, new[] { 1, 2 })]
    [TestCase(new[] { "x-dmio:out-of-sync", "base:allocation" }, new[] { 0, 2 })]
    [TestCase(new[] { "base:allocation", "base:", "base:allocation" }, new[] { 0 })]
    [TestCase(new[] { "base:dirty", "qemu:dirty-bitmap:b", "base:allocation:", "x-dmio", "", ":" }, new int[0])]
    public void A_list_tells_what_queries_mean(string[] queries, int[] expected)
    {
        // Goal: no query is all, a namespace alone all of it, unknown ones nothing; ids of a list are 0.
        _probe.AgreeOn(ReplyForm.Structured);
        List<OptionReply> replies = _probe.Ask(NBD_OPT_LIST_META_CONTEXT, NbdProbe.Meta("vol0", queries));
        Assert.That(replies[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Assert.That(
            replies.SkipLast(1).Select(r => r.ReadContext()), Is.EqualTo(expected.Select(i => (0u, s_all[i]))));
    }

    [TestCase(new string[0], new int[0])]
    [TestCase(new[] { "base:", "x-dmio:" }, new int[0])]
    [TestCase(new[] { "x-dmio:failed-legs", "base:allocation", "base:allocation" }, new[] { 0, 1 })]
    public void A_selection_takes_names_alone(string[] queries, int[] expected)
    {
        // Goal: no query selects nothing, a namespace alone nothing; ids are unique and not 0.
        _probe.AgreeOn(ReplyForm.Structured);
        _probe.Select("vol0", queries);
        Assert.That(_probe.Contexts.Keys, Is.EqualTo(expected.Select(i => s_all[i])));
        Assert.That(_probe.Contexts.Values, Is.Unique.And.All.GreaterThan(0u));
    }

    [TestCase(NBD_OPT_LIST_META_CONTEXT)]
    [TestCase(NBD_OPT_SET_META_CONTEXT)]
    public void They_need_structured_replies_and_an_export(uint option)
    {
        // Goal: INVALID before structured replies, UNKNOWN for a name that nobody bears.
        Assert.That(_probe.Ask(option, NbdProbe.Meta("")).Single().Type, Is.EqualTo(NBD_REP_ERR_INVALID));
        _probe.AgreeOn(ReplyForm.Extended);
        Assert.That(_probe.Ask(option, NbdProbe.Meta("nobody")).Single().Type, Is.EqualTo(NBD_REP_ERR_UNKNOWN));
        Assert.That(_probe.Ask(option, NbdProbe.Meta("")).Last().Type, Is.EqualTo(NBD_REP_ACK));
    }

    private static IEnumerable<TestCaseData> Malformed()
    {
        byte[] good = NbdProbe.Meta("vol0", "base:allocation");
        yield return Named("empty", []);
        yield return Named("no count", good[..8]);
        yield return Named("count of two", [.. good[..8], .. Bytes.U32(2), .. good[12..]]);
        yield return Named("count of 2^32-1", [.. good[..8], .. Bytes.U32(uint.MaxValue), .. good[12..]]);
        yield return Named("count of none", [.. good[..8], .. Bytes.U32(0), .. good[12..]]);
        yield return Named("name of 2^32-1 bytes", [.. Bytes.U32(uint.MaxValue), .. good[4..]]);
        yield return Named("query of 2^32-1 bytes", [.. good[..12], .. Bytes.U32(uint.MaxValue), .. good[16..]]);
        yield return Named("query cut off", good[..^1]);
        yield return Named("bytes behind", [.. good, 0]);
        yield return Named("query with NUL", NbdProbe.Meta("vol0", "base:alloc\0ation"));
        yield return Named("name with NUL", NbdProbe.Meta("vol\0", "base:allocation"));
        yield return Named("query of 4097 bytes", NbdProbe.Meta("vol0", "x:" + new string('y', 4095)));
        yield return Named("not UTF-8", [.. good[..^1], 0xff]);

        static TestCaseData Named(string name, byte[] data) =>
            new TestCaseData(data).SetName($"Malformed: {name}");
    }

    [TestCaseSource(nameof(Malformed))]
    public void What_is_malformed_is_invalid_and_drops_the_selection(byte[] data)
    {
        // Goal: INVALID, the next option parses, and a SET that fails leaves nothing selected.
        _probe.AgreeOn(ReplyForm.Structured);
        _probe.Select("vol0", "base:allocation");
        foreach (uint option in new[] { NBD_OPT_LIST_META_CONTEXT, NBD_OPT_SET_META_CONTEXT })
            Assert.That(_probe.Ask(option, data).Single().Type, Is.EqualTo(NBD_REP_ERR_INVALID));
        ExpectNoContext("vol0");
    }

    [Test]
    public void A_list_leaves_the_selection_as_it_is()
    {
        // Goal: only SET selects.
        _probe.AgreeOn(ReplyForm.Structured);
        _probe.Select("vol0", "base:allocation");
        _probe.Ask(NBD_OPT_LIST_META_CONTEXT, NbdProbe.Meta("vol0", "x-dmio:"));
        _probe.Ask(NBD_OPT_GO, NbdProbe.Info(""));
        Assert.That(_probe.Status(0, 512).Keys, Is.EqualTo(new[] { "base:allocation" }));
    }

    [Test]
    public void A_selection_holds_for_its_export_alone()
    {
        // Goal: 2.3: SET for one export and GO to another leaves nothing selected.
        _server.AddSecond("other");
        _probe.AgreeOn(ReplyForm.Structured);
        _probe.Select("vol0", "base:allocation");
        ExpectNoContext("other");
    }

    [Test]
    public void A_selection_replaces_the_one_before()
    {
        // Goal: also with nothing.
        _probe.AgreeOn(ReplyForm.Structured);
        _probe.Select("vol0", "base:allocation");
        _probe.Select("vol0");
        ExpectNoContext("vol0");
    }

    private void ExpectNoContext(string export)
    {
        Assert.That(_probe.Ask(NBD_OPT_GO, NbdProbe.Info(export))[^1].Type, Is.EqualTo(NBD_REP_ACK));
        Assert.That(_probe.Error(NBD_CMD_BLOCK_STATUS, 0, 512).Error, Is.EqualTo(NBD_EINVAL));
    }
}
