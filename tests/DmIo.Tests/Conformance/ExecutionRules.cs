using DmIo.Testing;

namespace DmIo.Tests.Conformance;

/// <summary>A.2, rules 1 to 5 and 11: what is refused, and how a request becomes pieces.</summary>
internal static class ExecutionRules
{
    public static readonly ConformanceRow[] Rows =
    [
        new("A.2.1", "A read of more than one region is EIO, nothing issued, the callback not called", bench =>
        {
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4096));
            bench.MustRefuse(Errno.EIO, BlockOperation.Read, bench.Regions(2, 0, 8), memory);
        }),
        new("A.2.1b", "Everything that changes a device may go to many regions", bench =>
        {
            BlockOperation[] many =
                [BlockOperation.Write, BlockOperation.Flush, BlockOperation.Discard, BlockOperation.WriteZeroes];
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4096));
            foreach (BlockOperation operation in many)
                Assert.That(bench.Do(operation, bench.Regions(3, 0, 8), memory).IsSuccess, Is.True, operation.ToString());
        }),
        new("A.2.2", "Unknown memory is EINVAL, nothing issued, the callback not called", bench =>
        {
            foreach (BlockOperation operation in Enum.GetValues<BlockOperation>())
                bench.MustRefuse(Errno.EINVAL, operation, [bench.Region(0, 0, 8)], default);
        }),
        new("A.2.3", "A request without a piece still ends, once, with no bit, and not inside the call", bench =>
        {
            Assert.That(
                bench.Start(BlockOperation.Write, [bench.Region(0, 0, 0)], IoMemory.None), Is.EqualTo(Errno.None));
            Assert.That(bench.Outcomes, Is.Empty);
            bench.Loop.RunUntilIdle();
            Assert.That(bench.Outcomes.Select(o => o.ErrorBits), Is.EqualTo(new[] { 0UL }));
        }),
        new("A.2.4", "The buffer is rewound for each region: each gets its count of the same prefix", bench =>
        {
            TestBuffer buffer = TestBuffer.Random(new Sectors(16), 4);
            bench.Write([bench.Region(0, 0, 16), bench.Region(1, 100, 3), bench.Region(2, 8, 9)], buffer);
            MustHold(bench.Legs[0], 0, buffer.Span);
            MustHold(bench.Legs[1], 100, buffer.Span[..(3 * 512)]);
            MustHold(bench.Legs[2], 8, buffer.Span[..(9 * 512)]);
        }),
        new("A.2.4b", "A region of zero sectors is skipped and keeps its bit's place", bench =>
        {
            bench.Legs[2].FailAll();
            TestBuffer buffer = TestBuffer.Random(new Sectors(8), 4);
            IoOutcome outcome = bench.Write(
                [bench.Region(0, 0, 8), bench.Region(1, 0, 0), bench.Region(2, 0, 8)], buffer);
            Assert.That(outcome.ErrorBits, Is.EqualTo(0b100));
            Assert.That(bench.Legs[1].Log, Is.Empty);
        }),
        new("A.2.4c", "With a flush, a region of zero sectors gets an empty flush", bench =>
        {
            TestBuffer buffer = TestBuffer.Random(new Sectors(8), 4);
            bench.Write([bench.Region(0, 0, 8), bench.Region(1, 0, 0)], buffer, BlockFlags.Preflush);
            Assert.That(bench.Legs[0].Log, Is.EqualTo(new[] { Call(BlockOperation.Write, BlockFlags.Preflush, 0, 8) }));
            Assert.That(bench.Legs[1].Log, Is.EqualTo(new[] { Call(BlockOperation.Flush, BlockFlags.None, 0, 0) }));
        }),
        new("A.2.5", "A region is cut into pieces of at most 1 MiB, all in flight together", bench =>
        {
            foreach (ScriptedDevice leg in bench.Legs)
                leg.Holds = true;
            TestBuffer buffer = TestBuffer.Random(new Sectors(5000), 5);
            bench.Start(BlockOperation.Write, bench.Regions(3, 16, 5000), ConformanceBench.Memory(buffer));
            foreach (ScriptedDevice leg in bench.Legs)
            {
                Assert.That(leg.Held.Select(r => (r.Start.Count, r.Count.Count)), Is.EqualTo(
                    new[] { (16L, 2048L), (2064L, 2048L), (4112L, 904L) }));
                leg.ReleaseAll();
            }
            bench.Loop.RunUntilIdle();
            Assert.That(bench.Outcomes.Single().IsSuccess, Is.True);
            MustHold(bench.Legs[2], 16, buffer.Span);
        }),
        new("A.2.5b", "A piece has at most 256 segments, and cutting loses no byte", bench =>
        {
            TestBuffer buffer = TestBuffer.Random(new Sectors(600), 5);
            IoSegment[] segments =
                [.. Enumerable.Range(0, 600).Select(i => new IoSegment(buffer.Segment.Address + i * 512, 512))];
            bench.Do(
                BlockOperation.Write, [bench.Region(0, 0, 599)], IoMemory.FromVector(new IoVector(segments, 600)));
            Assert.That(bench.Legs[0].Log.Select(c => c.Count.Count), Is.EqualTo(new[] { 256L, 256, 87 }));
            MustHold(bench.Legs[0], 0, buffer.Span[..(599 * 512)]);
        }),
        new("A.2.5c", "Pieces may complete in any order; the request ends with the last", bench =>
        {
            bench.Legs[0].Holds = bench.Legs[1].Holds = true;
            IoMemory memory = ConformanceBench.Memory(TestBuffer.Random(new Sectors(4096), 5));
            bench.Start(BlockOperation.Write, bench.Regions(2, 0, 4096), memory);
            foreach ((int leg, int piece) in new[] { (1, 1), (0, 1), (1, 0) })
            {
                bench.Legs[leg].Release(bench.Legs[leg].Held[piece]);
                bench.Loop.RunUntilIdle();
                Assert.That(bench.Outcomes, Is.Empty);
            }
            bench.Legs[0].ReleaseFirst();
            bench.Loop.RunUntilIdle();
            Assert.That(bench.Outcomes, Has.Count.EqualTo(1));
        }),
        new("A.2.5d", "Every piece carries the full set of flags", bench =>
        {
            const BlockFlags both = BlockFlags.Preflush | BlockFlags.Fua;
            bench.Write(bench.Regions(2, 0, 4097), TestBuffer.Random(new Sectors(4097), 5), both);
            Assert.That(bench.Legs[0].Log.Concat(bench.Legs[1].Log).Select(c => c.Flags), Is.EqualTo(
                Enumerable.Repeat(both, 6)));
        }),
        new("A.2.5e", "There is no order between requests: a later one may overtake", bench =>
        {
            bench.Legs[0].Holds = true;
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4096));
            bench.Start(BlockOperation.Write, [bench.Region(0, 0, 8)], memory, context: "first");
            bench.Start(BlockOperation.Write, [bench.Region(0, 0, 8)], memory, context: "second");
            bench.Legs[0].Release(bench.Legs[0].Held[1]);
            bench.Loop.RunUntilIdle();
            bench.Legs[0].ReleaseAll();
            bench.Loop.RunUntilIdle();
            Assert.That(bench.Contexts, Is.EqualTo(new[] { "second", "first" }));
        }),
        new("A.2.11", "The regions are consumed by the call, even of a request that waits; the caller may reuse them", bench =>
        {
            var narrow = new IoClient(bench.Loop, 1);
            bench.Legs[0].Holds = true;
            IoRegion[] regions = bench.Regions(1, 0, 8);
            IoMemory memory = ConformanceBench.Memory(TestBuffer.Random(new Sectors(8), 11));
            bench.Start(BlockOperation.Write, regions, memory, client: narrow);
            bench.Start(BlockOperation.Write, regions, memory, client: narrow);
            regions[0] = bench.Region(1, 64, 8);
            bench.Legs[0].Holds = false;
            bench.Legs[0].ReleaseAll();
            bench.Loop.RunUntilIdle();
            Assert.That(bench.Legs[0].Log, Has.Count.EqualTo(2));
            Assert.That(bench.Legs[1].Log, Is.Empty);
        }),
        new("A.2.11b", "The data buffer is not copied: it stays the caller's promise until completion", bench =>
        {
            bench.Legs[0].Holds = true;
            TestBuffer buffer = TestBuffer.Random(new Sectors(8), 11);
            bench.Start(BlockOperation.Write, [bench.Region(0, 0, 8)], ConformanceBench.Memory(buffer));
            buffer.Span.Fill(0x5a);
            bench.Legs[0].ReleaseAll();
            bench.Loop.RunUntilIdle();
            MustHold(bench.Legs[0], 0, buffer.Span);
        }),
    ];

    public static void MustHold(ScriptedDevice leg, long sector, ReadOnlySpan<byte> expected) =>
        Assert.That(
            leg.Contents(new Sectors(sector), Sectors.FromBytes(expected.Length)).SequenceEqual(expected), Is.True,
            $"{leg.Name} holds other bytes at {sector}");

    public static ScriptedCall Call(BlockOperation operation, BlockFlags flags, long start, long count) =>
        new(operation, flags, new Sectors(start), new Sectors(count));
}
