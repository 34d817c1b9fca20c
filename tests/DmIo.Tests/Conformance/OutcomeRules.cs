using DmIo.Testing;
using static DmIo.Tests.Conformance.ExecutionRules;

namespace DmIo.Tests.Conformance;

/// <summary>A.2, rules 6 to 10: how a request ends.</summary>
internal static class OutcomeRules
{
    public static readonly ConformanceRow[] Rows =
    [
        new("A.2.6", "Bit i is set if any piece of region i failed, LSB first; the other pieces still run", bench =>
        {
            bench.Legs[1].Fail(new Sectors(3000), new Sectors(1));
            TestBuffer buffer = TestBuffer.Random(new Sectors(5000), 6);
            Assert.That(bench.Write(bench.Regions(3, 0, 5000), buffer).ErrorBits, Is.EqualTo(0b010));
            Assert.That(bench.Legs[1].Log, Has.Count.EqualTo(3));
            MustHold(bench.Legs[1], 0, buffer.Span[..(3000 * 512)]);
            MustHold(bench.Legs[1], 4096, buffer.Span[(4096 * 512)..]);
            MustHold(bench.Legs[2], 0, buffer.Span);
        }),
        new("A.2.6b", "All 64 regions have their bit", bench =>
        {
            bench.Legs[0].FailAll();
            bench.Legs[2].FailAll();
            IoRegion[] regions = [.. Enumerable.Range(0, 64).Select(i => bench.Region(i == 63 || i == 5 ? 0 : 1, i, 1))];
            TestBuffer buffer = TestBuffer.Random(new Sectors(1), 6);
            Assert.That(bench.Write(regions, buffer).ErrorBits, Is.EqualTo(1UL << 63 | 1UL << 5));
        }),
        new("A.2.6c", "Ours beyond the kernel: per region the first failing sector, errno and operation", bench =>
        {
            bench.Legs[0].Fail(new Sectors(4500), new Sectors(9), Errno.ENOSPC);
            bench.Legs[0].Fail(new Sectors(2050), new Sectors(1), Errno.EIO);
            bench.Legs[2].FailAll(Errno.ENODEV);
            foreach (ScriptedDevice leg in bench.Legs)
                leg.Holds = true;
            IoMemory memory = ConformanceBench.Memory(TestBuffer.Random(new Sectors(5000), 6));
            bench.Start(BlockOperation.Write, bench.Regions(3, 0, 5000), memory);
            foreach (ScriptedDevice leg in bench.Legs)
            {
                // The last piece ends first, so the lowest sector is not the first to be told.
                leg.Release(leg.Held[2]);
                leg.ReleaseAll();
            }
            bench.Loop.RunUntilIdle();
            IoOutcome outcome = bench.Outcomes.Single();
            Assert.That(outcome[0], Is.EqualTo(new RegionFailure(BlockOperation.Write, new Sectors(2050), Errno.EIO)));
            Assert.That(outcome[1], Is.Null);
            Assert.That(outcome[2], Is.EqualTo(new RegionFailure(BlockOperation.Write, Sectors.Zero, Errno.ENODEV)));
        }),
        new("A.2.6d", "A range outside the device is that region's failure, not the request's refusal", bench =>
        {
            TestBuffer buffer = TestBuffer.Random(new Sectors(8), 6);
            IoOutcome outcome = bench.Write([bench.Region(0, 8190, 8), bench.Region(1, 0, 8)], buffer);
            Assert.That(outcome.ErrorBits, Is.EqualTo(0b01));
            Assert.That(outcome[0]!.Value.Errno, Is.EqualTo(Errno.EINVAL));
            Assert.That(bench.Legs[0].Contents().ContainsAnyExcept((byte)0), Is.False);
        }),
        new("A.2.6e", "No request takes the bits of an earlier one along", bench =>
        {
            bench.Legs[1].FailAll();
            TestBuffer buffer = TestBuffer.Random(new Sectors(8), 6);
            Assert.That(bench.Write(bench.Regions(2, 0, 8), buffer).ErrorBits, Is.EqualTo(0b10));
            bench.Legs[1].Heal();
            for (int i = 0; i < IoClient.DefaultContexts * 2; i++)
                Assert.That(bench.Write(bench.Regions(2, 0, 8), buffer).IsSuccess, Is.True);
        }),
        new("A.2.7", "The context is back in its pool before the callback, which may start the next request", bench =>
        {
            var narrow = new IoClient(bench.Loop, 1);
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4096));
            int rounds = 0;
            IoCallback again = null!;
            again = (in outcome, context) =>
            {
                Assert.That(narrow.InFlight, Is.Zero);
                if (++rounds < 5)
                    narrow.Start(BlockOperation.Write, BlockFlags.None, bench.Regions(1, 0, 8), memory, again);
            };
            narrow.Start(BlockOperation.Write, BlockFlags.None, bench.Regions(1, 0, 8), memory, again);
            bench.Loop.RunUntilIdle();
            Assert.That(rounds, Is.EqualTo(5));
            Assert.That(narrow.Statistics.Waits, Is.Zero);
        }),
        new("A.2.7b", "The callback is called exactly once, with its context, however many pieces fail", bench =>
        {
            foreach (ScriptedDevice leg in bench.Legs)
                leg.FailAll();
            object context = new();
            IoMemory memory = ConformanceBench.Memory(TestBuffer.Random(new Sectors(5000), 7));
            bench.Start(BlockOperation.Write, bench.Regions(3, 0, 5000), memory, context: context);
            bench.Loop.RunUntilIdle();
            Assert.That(bench.Outcomes.Single().ErrorBits, Is.EqualTo(0b111));
            Assert.That(bench.Contexts.Single(), Is.SameAs(context));
        }),
        new("A.2.8", "A read error fills the failing piece with zeroes and no other, and sets bit 0", bench =>
        {
            new Random(8).NextBytes(bench.Legs[0].Contents());
            bench.Legs[0].Fail(new Sectors(2500), new Sectors(1));
            TestBuffer buffer = TestBuffer.Random(new Sectors(5000), 8);
            IoOutcome outcome = bench.Read(bench.Region(0, 0, 5000), buffer);
            Assert.That(outcome.ErrorBits, Is.EqualTo(1));
            Assert.That(outcome[0]!.Value.FirstFailingSector, Is.EqualTo(new Sectors(2500)));
            MustHold(bench.Legs[0], 0, buffer.Span[..(2048 * 512)]);
            Assert.That(buffer.Span[(2048 * 512)..(4096 * 512)].ContainsAnyExcept((byte)0), Is.False);
            MustHold(bench.Legs[0], 4096, buffer.Span[(4096 * 512)..]);
        }),
        new("A.2.8b", "A write error leaves the buffer alone", bench =>
        {
            bench.Legs[0].FailAll();
            TestBuffer buffer = TestBuffer.Random(new Sectors(8), 8);
            bench.Write(bench.Regions(1, 0, 8), buffer);
            Assert.That(buffer.Span.Contains((byte)0), Is.False);
        }),
        new("A.2.9", "The synchronous form returns 0 without bits and EIO with any, whatever the legs' errno", bench =>
        {
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4096));
            Assert.That(Execute(bench, BlockOperation.Write, bench.Regions(2, 0, 8), memory).IsSuccess, Is.True);
            bench.Legs[1].FailAll(Errno.ENOSPC);
            IoResult failed = Execute(bench, BlockOperation.Write, bench.Regions(2, 0, 8), memory);
            Assert.That((failed.Errno, failed.Outcome.ErrorBits), Is.EqualTo((Errno.EIO, 0b10UL)));
            Assert.That(failed.IsRefused, Is.False);
        }),
        new("A.2.9b", "A refused synchronous call says so and leaves preset error bits alone", bench =>
        {
            IoResult refused = Execute(bench, BlockOperation.Read, bench.Regions(2, 0, 8), IoMemory.None);
            Assert.That((refused.Errno, refused.IsRefused), Is.EqualTo((Errno.EIO, true)));
            var classic = new ClassicDmIo(bench.Loop);
            classic.Get(1);
            ulong bits = ulong.MaxValue;
            Errno errno = bench.Loop.RunBeside(() => classic.IoSyncVm(
                bench.Regions(2, 0, 8), BlockOperation.Read, new TestBuffer(4096).Segment, ref bits));
            Assert.That((errno, bits), Is.EqualTo((Errno.EIO, ulong.MaxValue)));
        }),
        new("A.2.9c", "The asynchronous form returns 0 once dispatched, whatever happens later", bench =>
        {
            bench.Legs[0].FailAll();
            Assert.That(
                bench.Start(BlockOperation.Flush, bench.Regions(1, 0, 0), IoMemory.None), Is.EqualTo(Errno.None));
            bench.Loop.RunUntilIdle();
            Assert.That(bench.Outcomes.Single().ErrorBits, Is.EqualTo(1));
        }),
        new("A.2.10", "A synchronous call does not leave early: an interrupt waits until the I/O has ended", bench =>
        {
            // The end of the I/O is an error, so a caller that left before it could not know.
            bench.Legs[0].Holds = true;
            bench.Legs[0].FailAll();
            var buffer = new TestBuffer(4096);
            IoResult result = default;
            bool deliveredAfter = false;
            var caller = new Thread(() =>
            {
                Thread.CurrentThread.Interrupt();
                result = bench.Client.Execute(
                    BlockOperation.Write, BlockFlags.None, bench.Regions(1, 0, 8), ConformanceBench.Memory(buffer));
                deliveredAfter = Assert.Catch<ThreadInterruptedException>(() => Thread.Sleep(Timeout.Infinite)) is not null;
            });
            caller.Start();
            RunUntil(bench, () => bench.Legs[0].Held.Count == 1 &&
                (!caller.IsAlive || (caller.ThreadState & ThreadState.WaitSleepJoin) != 0));
            bench.Legs[0].ReleaseAll();
            RunUntil(bench, () => !caller.IsAlive);
            Assert.That((result.Errno, deliveredAfter), Is.EqualTo((Errno.EIO, true)));
        }),
    ];

    private static IoResult Execute(
        ConformanceBench bench, BlockOperation operation, IoRegion[] regions, IoMemory memory) =>
        bench.Loop.RunBeside(() => bench.Client.Execute(operation, BlockFlags.None, regions, memory));

    private static void RunUntil(ConformanceBench bench, Func<bool> condition) =>
        Assert.That(
            SpinWait.SpinUntil(
                () =>
                {
                    bench.Loop.RunUntilIdle();
                    return condition();
                },
                TimeSpan.FromSeconds(30)),
            Is.True);
}
