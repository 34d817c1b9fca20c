using DmIo.Testing;
using static DmIo.Tests.Conformance.ExecutionRules;

namespace DmIo.Tests.Conformance;

/// <summary>A.3, operations without payload, and A.4, alignment.</summary>
internal static class SpecialRules
{
    private static readonly BlockOperation[] s_ranges = [BlockOperation.Discard, BlockOperation.WriteZeroes];

    public static readonly ConformanceRow[] Rows =
    [
        new("A.3.1", "Discard and write zeroes carry no payload: memory of any known kind is ignored", bench =>
        {
            foreach (BlockOperation operation in s_ranges)
            {
                Assert.That(bench.Do(operation, bench.Regions(3, 0, 8192), IoMemory.None).IsSuccess, Is.True);
                Assert.That(bench.Do(operation, bench.Regions(3, 0, 8), IoMemory.FromPages(null!, 77)).IsSuccess, Is.True);
                Assert.That(bench.Do(operation, bench.Regions(3, 0, 8), IoMemory.FromBuffer(default)).IsSuccess, Is.True);
            }
        }),
        new("A.3.2", "They are cut into pieces of at most the device's limit, flags on each", bench =>
        {
            bench.Legs[0].DiscardCapability = bench.Legs[0].WriteZeroesCapability = new Sectors(100);
            foreach (BlockOperation operation in s_ranges)
            {
                bench.Legs[0].ClearLog();
                bench.Do(operation, [bench.Region(0, 8, 250)], IoMemory.None, BlockFlags.Fua);
                Assert.That(bench.Legs[0].Log, Is.EqualTo(new[]
                {
                    Call(operation, BlockFlags.Fua, 8, 100),
                    Call(operation, BlockFlags.Fua, 108, 100),
                    Call(operation, BlockFlags.Fua, 208, 50),
                }));
            }
        }),
        new("A.3.3", "The limit is read once per region: one that changes meanwhile does no harm", bench =>
        {
            var fickle = new FickleDevice(bench.Loop);
            Assert.That(
                bench.Do(BlockOperation.Discard, [new IoRegion(fickle, Sectors.Zero, new Sectors(256))], IoMemory.None)
                    .IsSuccess,
                Is.True);
            Assert.That(fickle.Log.Select(c => c.Count.Count), Is.EqualTo(new[] { 128L, 128 }));
        }),
        new("A.3.4", "A device that cannot: its bit, nothing sent to it, the other regions proceed", bench =>
        {
            bench.Legs[1].DiscardCapability = bench.Legs[1].WriteZeroesCapability = Sectors.Zero;
            foreach (BlockOperation operation in s_ranges)
            {
                IoOutcome outcome = bench.Do(operation, bench.Regions(3, 0, 8), IoMemory.None);
                Assert.That(outcome.ErrorBits, Is.EqualTo(0b010));
            }
            Assert.That(bench.Legs.Select(leg => leg.Log.Count), Is.EqualTo(new[] { 2, 0, 2 }));
        }),
        new("A.3.5", "Ours beyond the kernel: the outcome tells 'not supported' from 'failed'", bench =>
        {
            bench.Legs[0].DiscardCapability = Sectors.Zero;
            bench.Legs[1].FailAll(Errno.EIO);
            IoOutcome outcome = bench.Do(BlockOperation.Discard, bench.Regions(2, 40, 8), IoMemory.None);
            Assert.That(
                outcome[0], Is.EqualTo(new RegionFailure(BlockOperation.Discard, new Sectors(40), Errno.EOPNOTSUPP)));
            Assert.That(outcome[1], Is.EqualTo(new RegionFailure(BlockOperation.Discard, new Sectors(40), Errno.EIO)));
        }),
        new("A.3.6", "Of a count beyond the device nothing is sent, rather than pieces without end", bench =>
        {
            IoOutcome outcome = bench.Do(
                BlockOperation.Discard, [bench.Region(0, 0, long.MaxValue), bench.Region(1, 0, 8)], IoMemory.None);
            Assert.That(outcome.ErrorBits, Is.EqualTo(0b01));
            Assert.That(outcome[0]!.Value.FirstFailingSector, Is.EqualTo(ConformanceBench.LegLength));
            Assert.That(bench.Legs[0].Log, Is.Empty);
        }),
        new("A.3.7", "There is no write-same: an operation that is none of ours is EINVAL", bench =>
            bench.MustRefuse(Errno.EINVAL, (BlockOperation)5, bench.Regions(1, 0, 8), IoMemory.None)),
        new("A.3.8", "A flush is one empty flush to each region, whatever its count", bench =>
        {
            bench.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
            IoOutcome outcome = bench.Do(
                BlockOperation.Flush, [bench.Region(0, 0, 0), bench.Region(1, 7, 0), bench.Region(2, 8, 4000)],
                IoMemory.None);
            Assert.That(outcome.ErrorBits, Is.EqualTo(0b010));
            Assert.That(outcome[1]!.Value.Operation, Is.EqualTo(BlockOperation.Flush));
            foreach (ScriptedDevice leg in bench.Legs)
                Assert.That(leg.Log, Is.EqualTo(new[] { Call(BlockOperation.Flush, BlockFlags.None, 0, 0) }));
        }),
        new("A.4.1", "A segment that is not whole sectors is EINVAL, nothing issued", bench =>
        {
            var buffer = new TestBuffer(8192);
            foreach (int odd in new[] { 1, 511, 513, 1000 })
            {
                IoSegment[] segments =
                    [new(buffer.Segment.Address, odd), new(buffer.Segment.Address + odd, 4096 - odd)];
                IoMemory memory = IoMemory.FromVector(new IoVector(segments, 2));
                bench.MustRefuse(Errno.EINVAL, BlockOperation.Write, bench.Regions(1, 0, 8), memory);
                bench.MustRefuse(Errno.EINVAL, BlockOperation.Read, bench.Regions(1, 0, 8), memory);
            }
        }),
        new("A.4.2", "An offset into the first page that is not whole sectors, or not in the page, is EINVAL", bench =>
        {
            var buffer = new TestBuffer(8192);
            var pages = new PageList(buffer.Segment.Address, new PageList(buffer.Segment.Address + 4096));
            foreach (int odd in new[] { -512, 1, 511, 4095, 4096 })
            {
                bench.MustRefuse(
                    Errno.EINVAL, BlockOperation.Write, bench.Regions(1, 0, 1), IoMemory.FromPages(pages, odd));
            }
            Assert.That(
                bench.Do(BlockOperation.Write, bench.Regions(1, 0, 1), IoMemory.FromPages(pages, 3584)).IsSuccess, Is.True);
        }),
        new("A.4.3", "A contiguous buffer that is not whole sectors is EINVAL; its address may be any", bench =>
        {
            bench.MustRefuse(
                Errno.EINVAL, BlockOperation.Write, bench.Regions(1, 0, 8),
                ConformanceBench.Memory(new TestBuffer(4096 + 100)));
            var skewed = new TestBuffer(4096, skewBytes: 13);
            skewed.Span.Fill(0x42);
            Assert.That(bench.Write(bench.Regions(1, 0, 8), skewed).IsSuccess, Is.True);
            MustHold(bench.Legs[0], 0, skewed.Span);
        }),
        new("A.4.4", "With a leg of 4096-byte blocks, segments and offsets must be whole blocks", bench =>
        {
            var leg = new ScriptedDevice(bench.Loop, "4k", new Sectors(800), 4096);
            IoRegion[] regions = [bench.Region(0, 0, 8), new(leg, Sectors.Zero, new Sectors(8))];
            var buffer = new TestBuffer(8192);
            IoSegment[] halves = [new(buffer.Segment.Address, 2048), new(buffer.Segment.Address + 2048, 2048)];
            var pages = new PageList(buffer.Segment.Address, new PageList(buffer.Segment.Address + 4096));
            bench.MustRefuse(
                Errno.EINVAL, BlockOperation.Write, regions, IoMemory.FromVector(new IoVector(halves, 2)));
            bench.MustRefuse(Errno.EINVAL, BlockOperation.Write, regions, IoMemory.FromPages(pages, 512));
            Assert.That(bench.Write(regions, buffer).IsSuccess, Is.True);
            Assert.That(leg.Log, Has.Count.EqualTo(1));
        }),
        new("A.4.5", "Memory shorter than the longest region is EINVAL, for every form of it", bench =>
        {
            var buffer = new TestBuffer(4096);
            IoMemory[] all =
            [
                ConformanceBench.Memory(buffer),
                IoMemory.FromVector(buffer.Vector),
                IoMemory.FromPages(new PageList(buffer.Segment.Address), 0),
                IoMemory.FromPages(new PageList(buffer.Segment.Address, new PageList(buffer.Segment.Address)), 4096 - 512),
                IoMemory.None,
            ];
            foreach (IoMemory memory in all)
            {
                bench.MustRefuse(
                    Errno.EINVAL, BlockOperation.Write, [bench.Region(0, 0, 4), bench.Region(1, 0, 10)], memory);
            }
        }),
        new("A.4.5b", "A page list is walked only as far as the request needs it, so it may be a ring", bench =>
        {
            TestBuffer buffer = TestBuffer.Random(new Sectors(8), 4);
            var ring = new PageList(buffer.Segment.Address);
            ring.Next = ring;
            bench.Do(BlockOperation.Write, bench.Regions(1, 0, 24), IoMemory.FromPages(ring, 0));
            for (int page = 0; page < 3; page++)
                MustHold(bench.Legs[0], page * 8, buffer.Span);
        }),
        new("A.4.6", "No region, more than 64, no device, a device of another loop, a negative count: EINVAL", bench =>
        {
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4096));
            var elsewhere = new ScriptedDevice(new ManualLoop(), "elsewhere", new Sectors(8));
            IoRegion[][] all =
            [
                [],
                [.. Enumerable.Range(0, 65).Select(i => bench.Region(0, i, 1))],
                [bench.Region(0, 0, 8), default],
                [bench.Region(0, 0, 8), new IoRegion(elsewhere, Sectors.Zero, new Sectors(8))],
                [bench.Region(0, 0, 8), bench.Region(1, 0, -1)],
            ];
            foreach (IoRegion[] regions in all)
                bench.MustRefuse(Errno.EINVAL, BlockOperation.Write, regions, memory);
        }),
    ];

    /// <summary>A device whose limit is 128 sectors once and then none.</summary>
    private sealed class FickleDevice(IoLoop loop) : ScriptedDevice(loop, "fickle", new Sectors(256))
    {
        private int _asked;

        public override Sectors DiscardLimit => _asked++ == 0 ? new Sectors(128) : Sectors.Zero;
    }
}
