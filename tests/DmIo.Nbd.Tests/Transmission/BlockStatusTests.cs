using DmIo.Nbd.Status;
using DmIo.Nbd.Wire;
using static DmIo.Nbd.Wire.NbdConstants;

namespace DmIo.Nbd.Tests;

/// <summary>BLOCK_STATUS of base:allocation (checklist 2.9, 2.11).</summary>
[TestFixture(ReplyForm.Structured)]
[TestFixture(ReplyForm.Extended)]
internal sealed class BlockStatusTests(object form)
{
    private const string Allocation = "base:allocation";
    private const long SizeBytes = 5L << 40;
    private const ulong Hole = NBD_STATE_HOLE | NBD_STATE_ZERO;

    private TestServer _server = null!;
    private ExtentDevice _device = null!;
    private NbdProbe _probe = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new TestServer();
        _device = new ExtentDevice(_server.Loop, SizeBytes);
        _server.Server.AddExport(new NbdExport("extents", _device, readOnly: false), isDefault: true);
        _probe = _server.Connect().GoWith((ReplyForm)form, Allocation);
    }

    [TearDown]
    public void TearDown()
    {
        _probe.Dispose();
        _server.Dispose();
    }

    [TestCase(0ul, 0xffff_ffffu)]
    [TestCase(0ul, 0xffff_fe00u)]
    [TestCase(12345ul, 0xffff_ffffu)]
    [TestCase((ulong)SizeBytes - 0xffff_ffff, 0xffff_ffffu)]
    [TestCase((ulong)SizeBytes - 1, 1u)]
    public void One_extent_is_told_up_to_the_edge_of_2_32(ulong offset, uint length)
    {
        // Goal: CVE-2025-47711/2: an extent far longer than the request, at the longest lengths, is cut to it exactly.
        foreach (int flags in new[] { 0, (int)NBD_CMD_FLAG_REQ_ONE })
            Assert.That(_probe.Status(offset, length, flags)[Allocation], Is.EqualTo(new[] { ((ulong)length, Hole) }));
    }

    [Test]
    public void Extents_are_consecutive_and_end_with_the_request()
    {
        // Goal: data, holes and zeroes by their flags, clipped at both ends to the byte.
        Tell((start, count) => Kinds(start, count, 8, [ExtentKind.Data, ExtentKind.Hole, ExtentKind.Zero]));
        Assert.That(_probe.Status(4000, 16_000)[Allocation], Is.EqualTo(new (ulong, ulong)[]
        {
            (96, 0), (4096, Hole), (4096, NBD_STATE_ZERO), (4096, 0), (3616, Hole),
        }));
    }

    [Test]
    public void Req_one_is_one_extent_however_many_there_are()
    {
        // Goal: 2.11, exactly one, not longer than the request, and as long as it is alike across what is asked at once.
        Tell((start, count) => Kinds(start, count, 8, [ExtentKind.Data, ExtentKind.Hole]));
        Assert.That(
            _probe.Status(4096, 65536, NBD_CMD_FLAG_REQ_ONE)[Allocation], Is.EqualTo(new[] { (4096ul, Hole) }));
        Tell((start, count) => [new BlockExtent(start, count, ExtentKind.Zero)]);
        const uint Long = 3u << 30;
        Assert.That(
            _probe.Status(0, Long, NBD_CMD_FLAG_REQ_ONE)[Allocation],
            Is.EqualTo(new[] { ((ulong)Long, (ulong)NBD_STATE_ZERO) }));
    }

    [Test]
    public void A_chunk_has_a_limit_and_the_client_goes_on_behind_it()
    {
        // Goal: 2.11, at most so many extents; the rest is told when it is asked for.
        Tell((start, count) => Kinds(start, count, 1, [ExtentKind.Data, ExtentKind.Hole]));
        ulong at = 0;
        const ulong End = 10 << 20;
        int extents = 0;
        while (at < End)
        {
            (ulong Length, ulong Status)[] told = _probe.Status(at, End - at)[Allocation];
            Assert.That(told, Has.Length.LessThanOrEqualTo(StatusLimits.MostExtents));
            foreach ((ulong length, ulong status) in told)
            {
                Assert.That((length, status), Is.EqualTo((512ul, at % 1024 == 0 ? 0 : Hole)));
                at += length;
                extents++;
            }
        }
        Assert.That((at, extents), Is.EqualTo((End, (int)(End / 512))));
    }

    [Test]
    public void Many_small_extents_behind_a_large_hole_are_told_one_by_one()
    {
        // Goal: the window that grew over the hole costs nothing where it meets them, and what one answer of the device
        // leaves open is asked for again.
        const long Small = 2L << 30;
        Tell((start, count) =>
        {
            Sectors small = Sectors.Min(Sectors.Max(start, Sectors.FromBytes(Small)), start + count);
            List<BlockExtent> extents = Kinds(small, start + count - small, 8, [ExtentKind.Data, ExtentKind.Hole]);
            if (small > start)
                extents.Insert(0, new BlockExtent(start, small - start, ExtentKind.Hole));
            _ = ExtentBound.IsReached(extents, start + count);
            return extents;
        });
        (ulong Length, ulong Status)[] told = _probe.Status(0, 3u << 30)[Allocation];
        Assert.That(told, Has.Length.EqualTo(StatusLimits.MostExtents));
        Assert.That(told[0], Is.EqualTo(((ulong)Small, Hole)));
        Assert.That(told[1..].Select(e => e.Length), Is.All.EqualTo(4096ul));
        Assert.That(told[1..].Select(e => e.Status), Is.EqualTo(Enumerable.Range(0, told.Length - 1).Select(i => i % 2 == 0 ? 0 : Hole)));
    }

    [Test]
    public void What_the_device_cannot_tell_is_data()
    {
        // Goal: 0 is always safe: errors, gaps and nothing at all.
        Tell((_, _) => throw new IOException("planted"));
        Assert.That(_probe.Status(0, 1 << 20)[Allocation], Is.EqualTo(new[] { (1ul << 20, 0ul) }));
        Tell((_, _) => []);
        Assert.That(_probe.Status(0, 1 << 20)[Allocation], Is.EqualTo(new[] { (1ul << 20, 0ul) }));
        Tell((start, _) => [new BlockExtent(start, new(8), ExtentKind.Hole), new BlockExtent(start + new Sectors(9), new(8), ExtentKind.Hole)]);
        Assert.That(
            _probe.Status(0, 1 << 20)[Allocation],
            Is.EqualTo(new[] { (4096ul, Hole), ((1ul << 20) - 4096, 0ul) }));
    }

    [Test]
    public void A_mistake_of_the_servers_is_answered_and_logged()
    {
        // Goal: nobody waits for an answer that never comes, and the connection goes on.
        Tell((_, _) => throw new InvalidOperationException("planted"));
        Assert.That(_probe.Error(NBD_CMD_BLOCK_STATUS, 0, 4096).Error, Is.EqualTo(NBD_EIO));
        Assert.That(_server.Log.WaitFor(3018), Does.Contain("extents"));
        Tell((_, _) => []);
        Assert.That(_probe.Status(0, 4096)[Allocation], Is.EqualTo(new[] { (4096ul, 0ul) }));
    }

    [Test]
    public void A_device_that_hangs_over_it_holds_up_nobody_else()
    {
        // Goal: rule 6: others are served meanwhile, and the answer comes in the end: all of it is data.
        var never = new TaskCompletionSource<IReadOnlyList<BlockExtent>>();
        _server.OnLoop(_ => _device.Extents = (_, _) => new(never.Task));
        byte[] request = _probe.Form == ReplyForm.Extended
            ? NbdProbe.ExtendedRequest(NBD_CMD_BLOCK_STATUS, 0, 4096, 1)
            : NbdProbe.Request(NBD_CMD_BLOCK_STATUS, 0, 4096, 1);
        _probe.Send(request);
        using NbdProbe other = _server.Go();
        Assert.That(other.Call(NBD_CMD_FLUSH, 0, 0), Is.Zero);
        Assert.That(_probe.ReadChunk().ReadStatus().Extents, Is.EqualTo(new[] { (4096ul, 0ul) }));
    }

    [Test]
    public void A_device_that_hangs_over_it_is_not_asked_again_and_again()
    {
        // Goal: what it may have to answer stays bounded, all are answered, and when it has answered it is asked again.
        const int many = 3 * StatusLimits.LookupsAtOnce;
        var late = new TaskCompletionSource<IReadOnlyList<BlockExtent>>();
        _server.OnLoop(_ => _device.Extents = (_, _) => new(late.Task));
        for (ulong cookie = 1; cookie <= many; cookie++)
        {
            _probe.Send(_probe.Form == ReplyForm.Extended
                ? NbdProbe.ExtendedRequest(NBD_CMD_BLOCK_STATUS, 0, 4096, cookie)
                : NbdProbe.Request(NBD_CMD_BLOCK_STATUS, 0, 4096, cookie));
        }
        for (int i = 0; i < many; i++)
            Assert.That(_probe.ReadChunk().ReadStatus().Extents, Is.EqualTo(new[] { (4096ul, 0ul) }));
        Assert.That(_server.OnLoop(_ => _device.Asked.Count), Is.EqualTo(StatusLimits.LookupsAtOnce));
        Tell((start, count) => [new BlockExtent(start, count, ExtentKind.Hole)]);
        _server.OnLoop(_ => late.SetResult([]));
        Assert.That(_probe.Status(0, 4096)[Allocation], Is.EqualTo(new[] { (4096ul, Hole) }));
    }

    [Test]
    public void A_client_that_leaves_while_the_device_looks_leaves_nothing_behind()
    {
        // Goal: the request ends with its connection, and the answer that comes later hurts nobody.
        var late = new TaskCompletionSource<IReadOnlyList<BlockExtent>>();
        _server.OnLoop(_ => _device.Extents = (_, _) => new(late.Task));
        _probe.Send(_probe.Form == ReplyForm.Extended
            ? NbdProbe.ExtendedRequest(NBD_CMD_BLOCK_STATUS, 0, 4096, 1)
            : NbdProbe.Request(NBD_CMD_BLOCK_STATUS, 0, 4096, 1));
        Assert.That(() => _server.OnLoop(_ => _device.Asked.Count), Is.EqualTo(1).After(5000, 2));
        _probe.Dispose();
        _server.OnLoop(_ => late.SetResult([]));
        _server.WaitForConnections(0);
    }

    [TestCase(0ul, 0u)]
    [TestCase((ulong)SizeBytes, 1u)]
    [TestCase((ulong)SizeBytes - 1, 2u)]
    [TestCase(ulong.MaxValue, 2u)]
    public void Ranges_that_cannot_be_asked_about_are_invalid(ulong offset, uint length)
    {
        // Goal: 2.9, 2.16: nothing and past the end are EINVAL.
        Assert.That(_probe.Error(NBD_CMD_BLOCK_STATUS, offset, length).Error, Is.EqualTo(NBD_EINVAL));
    }

    [Test]
    public void Large_empty_exports_are_told_in_few_steps()
    {
        // Goal: windows grow, so a hole of 4 GiB takes no 64 looks.
        _probe.Status(0, uint.MaxValue);
        Assert.That(_server.OnLoop(_ => _device.Asked.Count), Is.LessThanOrEqualTo(4));
    }

    private void Tell(Func<Sectors, Sectors, IReadOnlyList<BlockExtent>> extents) =>
        _server.OnLoop(_ => _device.Extents = (start, count) => new(extents(start, count)));

    // Runs of so many sectors in turn, counted from the device's start.
    private static List<BlockExtent> Kinds(Sectors start, Sectors count, long run, ExtentKind[] kinds)
    {
        var extents = new List<BlockExtent>();
        long end = (start + count).Count;
        for (long at = start.Count; at < end && !ExtentBound.IsReached(extents, start + count);)
        {
            long next = Math.Min((at / run + 1) * run, end);
            extents.Add(new BlockExtent(new(at), new(next - at), kinds[at / run % kinds.Length]));
            at = next;
        }
        return extents;
    }
}
