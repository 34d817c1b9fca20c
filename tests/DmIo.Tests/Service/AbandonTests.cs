using DmIo.Testing;

namespace DmIo.Tests;

/// <summary>Regions are told one by one, and those that hang can be given up.</summary>
internal sealed class AbandonTests
{
    private ManualLoop _loop = null!;
    private ScriptedDevice[] _legs = null!;
    private IoClient _client = null!;
    private TestBuffer _buffer = null!;

    private IoMemory Memory => IoMemory.FromBuffer(_buffer.Segment);

    [SetUp]
    public void SetUp()
    {
        _loop = new ManualLoop();
        _legs = [Leg("a"), Leg("b"), Leg("c")];
        _client = new IoClient(_loop, 2);
        _buffer = TestBuffer.Random(new Sectors(8), 1);
    }

    [Test]
    public void Each_region_is_told_when_it_has_ended_and_the_request_after_the_last()
    {
        // A mirror that counts a quorum sees two legs before the third has answered.
        _legs[1].FailAll(Errno.EIO);
        RegionRequest write = Submit(RegionRequest.Write(Regions(0, 8), Memory));
        Assert.That(write.UnfinishedBits, Is.EqualTo(7));
        Release(2);
        Release(1);
        Assert.That(write.Story, Is.EqualTo(new[] { "region 2 None", "region 1 EIO" }));
        Assert.That(write.UnfinishedBits, Is.EqualTo(1));
        Release(0);
        Assert.That(write.Story[2..], Is.EqualTo(new[] { "region 0 None", "done 0x2" }));
        Assert.That((write.UnfinishedBits, write.PinnedBits, write.Rests), Is.EqualTo((0UL, 0UL, 1)));
    }

    [Test]
    public void A_region_ends_with_the_last_of_its_pieces()
    {
        // 1.5 MiB are two pieces; the first failing sector is that of the second.
        _buffer = new TestBuffer(3 << 19);
        _legs[0].Fail(new Sectors(2100), new Sectors(1), Errno.ENOSPC);
        RegionRequest write = Submit(RegionRequest.Write([Region(0, 0, 3072)], Memory));
        Release(0);
        Assert.That(write.Story, Is.Empty);
        Release(0);
        Assert.That(write.Story, Is.EqualTo(new[] { "region 0 ENOSPC", "done 0x1" }));
        Assert.That(
            write.Failure, Is.EqualTo(new RegionFailure(BlockOperation.Write, new Sectors(2100), Errno.ENOSPC)));
    }

    [Test]
    public void Regions_without_pieces_are_told_too_and_not_inside_submit()
    {
        // An empty region, and one whose device cannot, end at once; the third takes its time.
        _legs[1].DiscardCapability = Sectors.Zero;
        IoRegion[] regions = Regions(0, 8);
        regions[0] = regions[0] with { Count = Sectors.Zero };
        RegionRequest discard = RegionRequest.Of(BlockOperation.Discard, regions, IoMemory.None);
        _client.Submit(discard);
        Assert.That(discard.Story, Is.Empty);
        _loop.RunUntilIdle();
        Assert.That(discard.Story, Is.EqualTo(new[] { "region 0 None", "region 1 EOPNOTSUPP" }));
        Release(2);
        Assert.That(discard.Story[2..], Is.EqualTo(new[] { "region 2 None", "done 0x2" }));
    }

    [Test]
    public void A_region_that_hangs_is_given_up_and_its_landing_told()
    {
        // The request ends without it, the pool has its context back, and the memory is pinned until it lands.
        RegionRequest write = Submit(RegionRequest.Write(Regions(8, 8), Memory));
        Release(0);
        Release(1);
        Assert.That(_client.Abandon(write, 7, Errno.ETIMEDOUT), Is.EqualTo(4), "only the one that is left");
        Assert.That(write.UnfinishedBits, Is.Zero);
        _loop.RunUntilIdle();
        Assert.That(write.Story[2..], Is.EqualTo(new[] { "region 2 ETIMEDOUT", "done 0x4" }));
        Assert.That(
            write.Failure, Is.EqualTo(new RegionFailure(BlockOperation.Write, new Sectors(8), Errno.ETIMEDOUT)));
        Assert.That((write.PinnedBits, write.Rests), Is.EqualTo((4UL, 0)));
        Assert.That(_client.Statistics, Is.EqualTo(new IoPoolStatistics(2, 0, 0, 1, 0, 1)));
        Assert.That(() => _client.Submit(write), Throws.InvalidOperationException);
        Release(2);
        Assert.That(write.Story[4..], Is.EqualTo(new[] { "landed 2" }));
        Assert.That((write.PinnedBits, write.Rests, _client.AbandonedPieces), Is.EqualTo((0UL, 1, 0)));
        Assert.That(_legs[2].Contents(new Sectors(8), new Sectors(8)).SequenceEqual(_buffer.Span), Is.True, "it landed");
        Assert.That(_client.Submit(write), Is.EqualTo(Errno.None), "free again");
    }

    [Test]
    public void A_landing_before_the_end_is_told_before_the_end()
    {
        // The bit is gone when the request ends, so the maker need not wait for anything.
        RegionRequest write = Submit(RegionRequest.Write(Regions(0, 8), Memory));
        _client.Abandon(write, 2, Errno.ETIMEDOUT);
        Release(1);
        Release(0);
        Release(2);
        Assert.That(
            write.Story,
            Is.EqualTo(new[] { "region 1 ETIMEDOUT", "landed 1", "region 0 None", "region 2 None", "done 0x2" }));
        Assert.That(write.PinnedBits, Is.Zero);
    }

    [Test]
    public void The_rest_can_be_given_up_from_within_a_region()
    {
        // A mirror that has its quorum need not wait for more.
        RegionRequest write = RegionRequest.Write(Regions(0, 8), Memory);
        write.OnRegion = _ => _client.Abandon(write, write.UnfinishedBits, Errno.ETIMEDOUT);
        Submit(write);
        Release(1);
        Assert.That(
            write.Story,
            Is.EqualTo(new[] { "region 1 None", "region 0 ETIMEDOUT", "region 2 ETIMEDOUT", "done 0x5" }));
        Release(0);
        Release(2);
        Assert.That(write.Story[4..], Is.EqualTo(new[] { "landed 0", "landed 2" }));
    }

    [Test]
    public void The_first_failing_sector_is_that_of_the_first_piece_left()
    {
        // Pieces that ended well are not reported; of several that did not, the lowest is, and all must land.
        _buffer = new TestBuffer(3 << 20);
        RegionRequest write = Submit(RegionRequest.Write([Region(0, 0, 6144)], Memory));
        Release(0);
        _client.Abandon(write, 1, Errno.ETIMEDOUT);
        _loop.RunUntilIdle();
        Assert.That(write.Failure?.FirstFailingSector, Is.EqualTo(new Sectors(2048)));
        Assert.That(_client.AbandonedPieces, Is.EqualTo(2));
        Release(0);
        Assert.That(write.Story, Has.No.Member("landed 0"));
        Release(0);
        Assert.That(write.Story, Is.EqualTo(new[] { "region 0 ETIMEDOUT", "done 0x1", "landed 0" }));
    }

    [Test]
    public void A_context_whose_pieces_have_not_landed_is_not_used_again()
    {
        // The page list was walked into the context's segments: another list must not take their place.
        var first = new PageList(_buffer.Segment.Address);
        RegionRequest write = Submit(RegionRequest.Write([Region(0, 0, 8)], IoMemory.FromPages(first, 0)));
        _client.Abandon(write, 1, Errno.ETIMEDOUT);
        _loop.RunUntilIdle();
        TestBuffer others = TestBuffer.Random(new Sectors(8), 2);
        for (int i = 0; i < 4; i++)
        {
            var pages = new PageList(others.Segment.Address);
            Submit(RegionRequest.Write([Region(1, 16, 8)], IoMemory.FromPages(pages, 0)));
        }
        Assert.That((_client.InFlight, _client.Statistics.Waiting), Is.EqualTo((2, 2)), "the pool has its size");
        Release(0);
        Assert.That(_legs[0].Contents(Sectors.Zero, new Sectors(8)).SequenceEqual(_buffer.Span), Is.True);
    }

    [Test]
    public void A_late_read_neither_clears_nor_changes_the_outcome()
    {
        // Its failure comes after the request has been answered.
        RegionRequest read = Submit(RegionRequest.Of(BlockOperation.Read, [Region(0, 0, 8)], Memory));
        _client.Abandon(read, 1, Errno.ETIMEDOUT);
        _loop.RunUntilIdle();
        byte[] before = _buffer.Span.ToArray();
        _legs[0].FailAll(Errno.EIO);
        Release(0);
        Assert.That(_buffer.Span.SequenceEqual(before), Is.True);
        Assert.That(read.Story, Is.EqualTo(new[] { "region 0 ETIMEDOUT", "done 0x1", "landed 0" }));
    }

    [Test]
    public void What_is_held_beneath_ends_its_region_and_pins_the_memory()
    {
        // A leg that is a mirror itself has answered from its quorum: a success, and not yet free.
        RegionRequest write = Submit(RegionRequest.Write([Region(0, 0, 8)], Memory));
        BlockRequest piece = _legs[0].Held[0];
        _legs[0].CompleteEarly(piece);
        _loop.RunUntilIdle();
        Assert.That(write.Story, Is.EqualTo(new[] { "region 0 None", "done 0x0" }));
        Assert.That((write.PinnedBits, _client.AbandonedPieces), Is.EqualTo((1UL, 1)));
        _legs[0].Land(piece);
        Assert.That(write.Story[2..], Is.EqualTo(new[] { "landed 0" }));
        Assert.That((write.PinnedBits, _client.AbandonedPieces), Is.EqualTo((0UL, 0)));
    }

    [Test]
    public void What_was_given_up_and_then_completes_held_lands_when_it_is_let_go()
    {
        // Both reasons to keep the memory at once, told once.
        RegionRequest write = Submit(RegionRequest.Write([Region(0, 0, 8)], Memory));
        BlockRequest piece = _legs[0].Held[0];
        _client.Abandon(write, 1, Errno.ETIMEDOUT);
        _legs[0].CompleteEarly(piece, Errno.EIO);
        _loop.RunUntilIdle();
        Assert.That(write.Story, Is.EqualTo(new[] { "region 0 ETIMEDOUT", "done 0x1" }));
        _legs[0].Land(piece);
        Assert.That(write.Story[2..], Is.EqualTo(new[] { "landed 0" }));
    }

    [Test]
    public void What_is_held_is_not_given_up_once_more_with_the_rest_of_its_region()
    {
        // Of two pieces one has its result, the other hangs: each lands once, and the region after both.
        _buffer = new TestBuffer(2 << 20);
        RegionRequest write = Submit(RegionRequest.Write([Region(0, 0, 4096)], Memory));
        BlockRequest held = _legs[0].Held[0];
        _legs[0].CompleteEarly(held);
        _loop.RunUntilIdle();
        Assert.That(_client.Abandon(write, 1, Errno.ETIMEDOUT), Is.EqualTo(1));
        _loop.RunUntilIdle();
        Assert.That(write.Failure?.FirstFailingSector, Is.EqualTo(new Sectors(2048)));
        Assert.That(_client.AbandonedPieces, Is.EqualTo(2));
        _legs[0].Land(held);
        Release(0);
        Assert.That(write.Story, Is.EqualTo(new[] { "region 0 ETIMEDOUT", "done 0x1", "landed 0" }));
    }

    [Test]
    public async Task Who_is_not_told_of_regions_waits_until_nothing_is_held()
    {
        // The awaited calls unpin their memory at the end, so the end must not come early.
        Task<IoResult> task = _client.WriteAsync([Region(0, 0, 8)], new byte[4096]).AsTask();
        BlockRequest piece = _legs[0].Held[0];
        _legs[0].CompleteEarly(piece);
        _loop.RunUntilIdle();
        Assert.That((task.IsCompleted, _client.InFlight), Is.EqualTo((false, 1)));
        _legs[0].Land(piece);
        _loop.RunUntilIdle();
        Assert.That((await task).IsSuccess, Is.True);
    }

    [Test]
    public void Nothing_is_given_up_of_what_waits_for_a_context()
    {
        // It has no region under way, so there is nothing to time out.
        Submit(RegionRequest.Write(Regions(0, 8), Memory));
        Submit(RegionRequest.Write(Regions(0, 8), Memory));
        RegionRequest waiting = Submit(RegionRequest.Write(Regions(0, 8), Memory));
        Assert.That(waiting.UnfinishedBits, Is.Zero);
        Assert.That(_client.Abandon(waiting, 7, Errno.ETIMEDOUT), Is.Zero);
        var other = new IoClient(_loop);
        Assert.That(() => other.Abandon(waiting, 7, Errno.ETIMEDOUT), Throws.InvalidOperationException);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Disposal_waits_for_landings_unless_told_otherwise(bool waits)
    {
        // Goal: a client that must go although a device hangs can; by default it goes when all memory is free.
        _client.WaitsForAbandoned = waits;
        RegionRequest write = Submit(RegionRequest.Write([Region(0, 0, 8)], Memory));
        _client.Abandon(write, 1, Errno.ETIMEDOUT);
        Task disposal = _client.DisposeAsync().AsTask();
        _loop.RunUntilIdle();
        Assert.That((disposal.IsCompleted, write.Story.Count), Is.EqualTo((!waits, 2)));
        Release(0);
        await disposal;
        Assert.That(write.Story[2..], Is.EqualTo(new[] { "landed 0" }));
    }

    [Test]
    public void Tracking_holding_and_landing_allocate_nothing_when_warm()
    {
        // Rule 2: a quorum write with a laggard costs no garbage.
        RegionRequest write = new() { IsSilent = true, Operation = BlockOperation.Write, Memory = Memory };
        write.SetRegions(Regions(0, 8));
        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                _client.Submit(write);
                BlockRequest piece = _legs[2].Held[0];
                _legs[2].CompleteEarly(piece);
                _legs[0].ReleaseFirst();
                _legs[1].ReleaseFirst();
                _loop.RunUntilIdle();
                _legs[2].Land(piece);
                foreach (ScriptedDevice leg in _legs)
                    leg.ClearLog();
            }
        }
        Run(10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(1000);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(write.Rests, Is.EqualTo(1010));
    }

    private ScriptedDevice Leg(string name) => new(_loop, name, new Sectors(8192)) { Holds = true };

    private IoRegion Region(int leg, long start, long count) => new(_legs[leg], new Sectors(start), new Sectors(count));

    private IoRegion[] Regions(long start, long count) =>
        [Region(0, start, count), Region(1, start, count), Region(2, start, count)];

    private RegionRequest Submit(RegionRequest request)
    {
        Assert.That(_client.Submit(request), Is.EqualTo(Errno.None));
        _loop.RunUntilIdle();
        return request;
    }

    private void Release(int leg)
    {
        _legs[leg].ReleaseFirst();
        _loop.RunUntilIdle();
    }
}
