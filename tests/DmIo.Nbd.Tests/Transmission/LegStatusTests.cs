using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>x-dmio:failed-legs and x-dmio:out-of-sync of a mirror.</summary>
[TestFixture(ReplyForm.Structured)]
[TestFixture(ReplyForm.Extended)]
internal sealed class LegStatusTests(object form)
{
    private const string Allocation = "base:allocation";
    private const string Failed = "x-dmio:failed-legs";
    private const string Lacks = "x-dmio:out-of-sync";
    private const ulong Size = MirrorServer.SizeBytes;

    // 128 sectors, as the rig's table has it.
    private const ulong Region = 64 << 10;

    private MirrorServer _server = null!;
    private NbdProbe _probe = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new MirrorServer(overTcp: false);
        _probe = _server.GoWith((ReplyForm)form, Allocation, Failed, Lacks);
    }

    [TearDown]
    public void TearDown()
    {
        _probe.Dispose();
        _server.Dispose();
    }

    [Test]
    public void A_mirror_in_health_has_no_bits()
    {
        // Goal: one chunk for each of several contexts, each covering the request.
        Dictionary<string, (ulong Length, ulong Status)[]> told = _probe.Status(0, Size);
        Assert.That(told.Keys, Is.EquivalentTo(new[] { Allocation, Failed, Lacks }));
        Assert.That(told.Values, Is.All.EqualTo(new[] { (Size, 0ul) }));
    }

    [Test]
    public void A_leg_that_fails_is_told_where_it_cannot_serve_and_where_it_lacks_and_then_no_more()
    {
        // Goal: it is out of the set: it serves nothing, and lacks the region of the write; when it is back and has been
        // given what it lacked, the words are gone.
        _server.Fail(1, new Sectors(256), new Sectors(1), BlockOperation.Write);
        Write(2 * Region);
        Assert.That(_probe.Status(0, Size)[Failed], Is.EqualTo(new[] { (Size, 2ul) }));
        Assert.That(
            _probe.Status(0, Size)[Lacks],
            Is.EqualTo(new[] { (2 * Region, 0ul), (Region, 2ul), (Size - 3 * Region, 0ul) }));
        Assert.That(
            _probe.Status(2 * Region + 100, Region)[Lacks], Is.EqualTo(new[] { (Region - 100, 2ul), (100ul, 0ul) }));
        Assert.That(
            _probe.Status(2 * Region, Size - 2 * Region, NBD_CMD_FLAG_REQ_ONE)[Lacks], Is.EqualTo(new[] { (Region, 2ul) }));
        _server.Heal(1);
        Assert.That(() => _probe.Status(0, Size)[Failed], Is.EqualTo(new[] { (Size, 0ul) }).After(20_000, 20));
        Assert.That(_probe.Status(0, Size)[Lacks], Is.EqualTo(new[] { (Size, 0ul) }));
    }

    [Test]
    public void The_allocation_is_told_by_a_leg_that_holds_it()
    {
        // Goal: 2.11: where leg 0 lacks a region leg 1 is asked, elsewhere the lowest.
        _server.OnLoop(() =>
        {
            _server.Legs[0].Extents = (start, count) => [new BlockExtent(start, count, ExtentKind.Hole)];
            _server.Legs[1].Extents = (start, count) => [new BlockExtent(start, count, ExtentKind.Data)];
            return 0;
        });
        Assert.That(_probe.Status(0, Size)[Allocation], Is.EqualTo(new[] { (Size, 3ul) }));
        _server.Fail(0, new Sectors(256), new Sectors(1), BlockOperation.Write);
        Write(2 * Region);
        Assert.That(_probe.Status(2 * Region, Region)[Allocation], Is.EqualTo(new[] { (Region, 0ul) }));
    }

    private void Write(ulong offset)
    {
        byte[] data = Bytes.Random(512, 1);
        if (_probe.Form == ReplyForm.Extended)
            _probe.Chunks(NBD_CMD_WRITE, offset, 512, NBD_CMD_FLAG_PAYLOAD_LEN, data);
        else
            Assert.That(_probe.Write(offset, data), Is.Zero);
    }
}
