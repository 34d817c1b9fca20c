using DmIo.Testing;
using static DmIo.Tests.Conformance.ExecutionRules;

namespace DmIo.Tests.Conformance;

/// <summary>A.6: the six calls with get and put.</summary>
internal static class ClassicRules
{
    public static readonly ConformanceRow[] Rows =
    [
        new("A.6.1", "Six calls, three forms of memory, each synchronous and asynchronous, move the same bytes", bench =>
        {
            ClassicDmIo classic = Started(bench);
            foreach (ClassicCall call in ClassicCall.All)
            {
                TestBuffer source = TestBuffer.Random(new Sectors(24), call.GetHashCode());
                (Errno errno, ulong bits) = call.Do(bench, classic, bench.Regions(2, 40, 24), BlockOperation.Write, source);
                Assert.That((errno, bits), Is.EqualTo((Errno.None, 0UL)), call.Name);
                MustHold(bench.Legs[1], 40, source.Span);
                var back = new TestBuffer(source.Span.Length);
                call.Do(bench, classic, bench.Regions(1, 40, 24), BlockOperation.Read, back);
                Assert.That(back.Span.SequenceEqual(source.Span), Is.True, call.Name);
            }
        }),
        new("A.6.2", "The page list's offset and the vectors' offsets are where the data begins", bench =>
        {
            ClassicDmIo classic = Started(bench);
            TestBuffer memory = TestBuffer.Random(new Sectors(24), 62);
            nint first = memory.Segment.Address;
            var pages = new PageList(first, new PageList(first + 8192));
            classic.IoAsync(bench.Regions(1, 0, 12), BlockOperation.Write, pages, 1024, (_, _) => { }, null);
            classic.IoAsyncBvec(
                bench.Regions(1, 100, 3), BlockOperation.Write, [new BioVec(first, 512, 1536), new BioVec(first + 4096, 1024, 512)],
                (_, _) => { }, null);
            bench.Loop.RunUntilIdle();
            MustHold(bench.Legs[0], 0, memory.Span[1024..4096]);
            MustHold(bench.Legs[0], 6, memory.Span[8192..(8192 + 6 * 512)]);
            MustHold(bench.Legs[0], 100, memory.Span[1536..2048]);
            MustHold(bench.Legs[0], 101, memory.Span[4608..5632]);
        }),
        new("A.6.3", "Each call gives the error bits, and the asynchronous ones the context, exactly once", bench =>
        {
            ClassicDmIo classic = Started(bench);
            bench.Legs[1].FailAll(Errno.ENOSPC);
            foreach (ClassicCall call in ClassicCall.All)
            {
                (Errno errno, ulong bits) = call.Do(
                    bench, classic, bench.Regions(3, 0, 8), BlockOperation.Write, new TestBuffer(4096));
                Assert.That((errno, bits), Is.EqualTo((call.IsSync ? Errno.EIO : Errno.None, 0b010UL)), call.Name);
            }
        }),
        new("A.6.4", "Reads are of one region, the flag is plain read or write, and the bits of a refused call stay", bench =>
        {
            ClassicDmIo classic = Started(bench);
            foreach (ClassicCall call in ClassicCall.All)
            {
                Assert.That(
                    call.Do(bench, classic, bench.Regions(2, 0, 8), BlockOperation.Read, new TestBuffer(4096)),
                    Is.EqualTo((Errno.EIO, ClassicCall.Untouched)), call.Name);
                Assert.That(
                    call.Do(bench, classic, bench.Regions(1, 0, 8), BlockOperation.Discard, new TestBuffer(4096)),
                    Is.EqualTo((Errno.EINVAL, ClassicCall.Untouched)), call.Name);
            }
            Assert.That(bench.Submissions, Is.Zero);
        }),
        new("A.6.5", "Zero-count regions are ignored, and 64 regions are taken, not 8", bench =>
        {
            ClassicDmIo classic = Started(bench);
            IoRegion[] regions = [.. Enumerable.Range(0, 64).Select(i => bench.Region(0, i, i % 2))];
            ulong bits = 0;
            Errno errno = bench.Loop.RunBeside(() => classic.IoSyncVm(
                regions, BlockOperation.Write, new TestBuffer(512).Segment, ref bits));
            Assert.That(errno, Is.EqualTo(Errno.None));
            Assert.That(bench.Legs[0].Log, Has.Count.EqualTo(32));
        }),
        new("A.6.6", "Get grows the pool by 4 contexts per page, put shrinks it, at zero it is gone", bench =>
        {
            var classic = new ClassicDmIo(bench.Loop);
            Assert.That(classic.PoolSize, Is.Zero);
            Assert.That(classic.Get(3), Is.EqualTo(Errno.None));
            Assert.That(classic.PoolSize, Is.EqualTo(12));
            classic.Get(5);
            Assert.That(classic.PoolSize, Is.EqualTo(32));
            classic.Put(3);
            Assert.That(classic.PoolSize, Is.EqualTo(20));
            classic.Put(5);
            Assert.That((classic.PoolSize, classic.Statistics), Is.EqualTo((0, (IoPoolStatistics?)null)));
            MustHaveNoPool(bench, classic);
            classic.Get(1);
            Assert.That(classic.PoolSize, Is.EqualTo(4));
        }),
        new("A.6.7", "A call before get is refused", bench => MustHaveNoPool(bench, new ClassicDmIo(bench.Loop))),
        new("A.6.8", "A put that matches no get is refused and changes nothing", bench =>
        {
            var classic = new ClassicDmIo(bench.Loop);
            Assert.That(() => classic.Put(1), Throws.InvalidOperationException);
            classic.Get(2);
            classic.Get(2);
            foreach (int unmatched in new[] { 1, 4, 0, -2 })
                Assert.That(() => classic.Put(unmatched), Throws.InvalidOperationException);
            Assert.That(classic.PoolSize, Is.EqualTo(16));
        }),
        new("A.6.9", "A get that cannot be had is ENOMEM and the count is unchanged", bench =>
        {
            var classic = new ClassicDmIo(bench.Loop);
            classic.Get(2);
            Assert.That(classic.Get(ClassicDmIo.MaxPages), Is.EqualTo(Errno.ENOMEM));
            Assert.That(classic.Get(int.MaxValue), Is.EqualTo(Errno.ENOMEM));
            Assert.That(classic.PoolSize, Is.EqualTo(8));
            Assert.That(() => classic.Get(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        }),
        new("A.6.10", "Get and put are atomic: many threads end where they began", bench =>
        {
            ClassicDmIo classic = Started(bench);
            bench.Loop.RunBeside(() => Parallel.For(0, 4, thread =>
            {
                for (int i = 0; i < 500; i++)
                {
                    classic.Get(thread + 2);
                    classic.Put(thread + 2);
                }
            }).IsCompleted);
            Assert.That(classic.PoolSize, Is.EqualTo(ClassicDmIo.ContextsPerPage));
            Assert.That(classic.Statistics!.Value.Contexts, Is.EqualTo(ClassicDmIo.ContextsPerPage));
        }),
        new("A.6.11", "The number of pages is a hint: larger requests are done, and more of them wait", bench =>
        {
            ClassicDmIo classic = Started(bench);
            bench.Legs[0].Holds = true;
            int done = 0;
            TestBuffer buffer = TestBuffer.Random(new Sectors(1000), 6);
            for (int i = 0; i < 20; i++)
                classic.IoAsyncVm(bench.Regions(1, 0, 1000), BlockOperation.Write, buffer.Segment, (_, _) => done++, null);
            Assert.That((classic.Statistics!.Value.InFlight, classic.Statistics.Value.Waiting), Is.EqualTo((4, 16)));
            bench.Legs[0].Holds = false;
            bench.Legs[0].ReleaseAll();
            bench.Loop.RunUntilIdle();
            Assert.That(done, Is.EqualTo(20));
        }),
        new("A.6.12", "What was accepted before the last put ends as it should, waiting or not", bench =>
        {
            ClassicDmIo classic = Started(bench);
            bench.Legs[0].Holds = true;
            int done = 0;
            for (int i = 0; i < 9; i++)
            {
                classic.IoAsyncVm(
                    bench.Regions(1, 0, 8), BlockOperation.Write, new TestBuffer(4096).Segment, (_, _) => done++, null);
            }
            classic.Put(1);
            MustHaveNoPool(bench, classic);
            Task disposal = classic.DisposeAsync().AsTask();
            bench.Loop.RunUntilIdle();
            Assert.That(disposal.IsCompleted, Is.False);
            bench.Legs[0].Holds = false;
            bench.Legs[0].ReleaseAll();
            bench.Loop.RunUntilIdle();
            Assert.That(done, Is.EqualTo(9));
            Assert.That(disposal.Wait(TimeSpan.FromSeconds(30)), Is.True);
        }),
    ];

    private static ClassicDmIo Started(ConformanceBench bench)
    {
        var classic = new ClassicDmIo(bench.Loop);
        classic.Get(1);
        return classic;
    }

    private static void MustHaveNoPool(ConformanceBench bench, ClassicDmIo classic)
    {
        int submissions = bench.Submissions;
        foreach (ClassicCall call in ClassicCall.All)
        {
            Assert.That(
                () => call.Do(bench, classic, bench.Regions(1, 0, 8), BlockOperation.Write, new TestBuffer(4096)),
                Throws.InvalidOperationException, call.Name);
        }
        Assert.That(bench.Submissions, Is.EqualTo(submissions));
    }
}
