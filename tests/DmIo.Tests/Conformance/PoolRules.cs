using DmIo.Testing;

namespace DmIo.Tests.Conformance;

/// <summary>A.5: the pool of contexts.</summary>
internal static class PoolRules
{
    public static readonly ConformanceRow[] Rows =
    [
        new("A.5.1", "A request never fails for want of a context: it waits, and is served in its turn", bench =>
        {
            var narrow = new IoClient(bench.Loop, 2);
            bench.Legs[0].Holds = true;
            for (int i = 0; i < 10; i++)
                Assert.That(Write(bench, narrow, 0, i), Is.EqualTo(Errno.None));
            Assert.That(narrow.Statistics, Is.EqualTo(new IoPoolStatistics(2, 2, 8, 2, 8)));
            for (int done = 1; done <= 10; done++)
            {
                bench.Legs[0].ReleaseFirst();
                bench.Loop.RunUntilIdle();
                Assert.That(bench.Legs[0].Held, Has.Count.EqualTo(Math.Min(2, 10 - done)));
            }
            Assert.That(bench.Contexts, Is.EqualTo(Enumerable.Range(0, 10)));
            Assert.That(narrow.Statistics, Is.EqualTo(new IoPoolStatistics(2, 0, 0, 2, 8)));
        }),
        new("A.5.2", "Nobody overtakes those who wait, not even from a callback", bench =>
        {
            var narrow = new IoClient(bench.Loop, 1);
            bench.Legs[0].Holds = true;
            var order = new List<string>();
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4096));
            narrow.Start(
                BlockOperation.Write, BlockFlags.None, bench.Regions(1, 0, 8), memory, (in _, _) => narrow.Start(
                    BlockOperation.Write, BlockFlags.None, bench.Regions(1, 16, 8), memory, (in _, _) => order.Add("late")));
            narrow.Start(
                BlockOperation.Write, BlockFlags.None, bench.Regions(1, 8, 8), memory, (in _, _) => order.Add("early"));
            for (int i = 0; i < 3; i++)
            {
                bench.Loop.RunUntilIdle();
                bench.Legs[0].ReleaseAll();
            }
            bench.Loop.RunUntilIdle();
            Assert.That(order, Is.EqualTo(new[] { "early", "late" }));
        }),
        new("A.5.3", "Resize up starts those who wait; resize down lets what is under way end and admits fewer", bench =>
        {
            var client = new IoClient(bench.Loop, 1);
            bench.Legs[0].Holds = true;
            for (int i = 0; i < 12; i++)
                Write(bench, client, 0, i);
            client.Resize(6);
            Assert.That(bench.Legs[0].Held, Has.Count.EqualTo(6));
            client.Resize(2);
            Assert.That((client.Capacity, client.InFlight), Is.EqualTo((2, 6)));
            for (int inFlight = 5; inFlight >= 2; inFlight--)
            {
                bench.Legs[0].ReleaseFirst();
                bench.Loop.RunUntilIdle();
                Assert.That(client.InFlight, Is.EqualTo(inFlight));
            }
            bench.Legs[0].ReleaseFirst();
            bench.Loop.RunUntilIdle();
            Assert.That(client.InFlight, Is.EqualTo(2));
            bench.Legs[0].Holds = false;
            bench.Legs[0].ReleaseAll();
            bench.Loop.RunUntilIdle();
            Assert.That(bench.Contexts, Is.EqualTo(Enumerable.Range(0, 12)));
        }),
        new("A.5.3b", "Resize is for any thread", bench =>
        {
            bench.Loop.RunBeside(() =>
            {
                bench.Client.Resize(3);
                return true;
            });
            Assert.That(bench.Client.Capacity, Is.EqualTo(3));
        }),
        new("A.5.4", "One context serves a request however large it is: pieces go out at once and wait for nothing", bench =>
        {
            var narrow = new IoClient(bench.Loop, 1);
            foreach (ScriptedDevice leg in bench.Legs)
                leg.Holds = true;
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4 << 20));
            bench.Start(BlockOperation.Write, bench.Regions(3, 0, 8192), memory, client: narrow);
            Assert.That(bench.Legs.Sum(leg => leg.Held.Count), Is.EqualTo(12));
            foreach (ScriptedDevice leg in bench.Legs)
                leg.ReleaseAll();
        }),
        new("A.5.5", "Pools are private: a client whose device hangs starves nobody else", bench =>
        {
            var stuck = new IoClient(bench.Loop, 1);
            bench.Legs[0].Holds = true;
            for (int i = 0; i < 5; i++)
                Write(bench, stuck, 0, "stuck");
            Write(bench, bench.Client, 1, "free");
            bench.Loop.RunUntilIdle();
            Assert.That(bench.Contexts, Is.EqualTo(new[] { "free" }));
            bench.Legs[0].Holds = false;
            bench.Legs[0].ReleaseAll();
        }),
        new("A.5.6", "A callback cannot block on the pool: the synchronous form is refused on the loop's thread", bench =>
        {
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4096));
            bool refused = false;
            bench.Client.Start(BlockOperation.Flush, BlockFlags.None, bench.Regions(1, 0, 0), memory, (in _, _) =>
            {
                Assert.That(
                    () => bench.Client.Execute(BlockOperation.Flush, BlockFlags.None, bench.Regions(1, 0, 0), IoMemory.None),
                    Throws.InvalidOperationException);
                refused = true;
            });
            bench.Loop.RunUntilIdle();
            Assert.That(refused, Is.True);
        }),
        new("A.5.7", "The pool is there from the start: its requests allocate nothing", bench =>
        {
            TestBuffer buffer = TestBuffer.Random(new Sectors(8), 5);
            IoMemory[] memories =
            [
                ConformanceBench.Memory(buffer),
                IoMemory.FromVector(buffer.Vector),
                IoMemory.FromPages(new PageList(buffer.Segment.Address), 0),
            ];
            var client = new IoClient(bench.Loop);
            var device = new MemoryDevice(bench.Loop, "memory", new Sectors(64));
            IoRegion[] regions = [new(device, Sectors.Zero, new Sectors(8)), new(device, new Sectors(8), new Sectors(8))];
            var request = new CountingRequest(client);
            foreach (IoMemory memory in memories)
            {
                request.Run(bench.Loop, BlockOperation.Write, regions, memory, 100);
                long before = GC.GetAllocatedBytesForCurrentThread();
                request.Run(bench.Loop, BlockOperation.Write, regions, memory, 1000);
                Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero, memory.Kind.ToString());
                Assert.That(request.Left, Is.Zero);
            }
        }),
        new("A.5.7b", "The calls with a callback allocate nothing either, when warm", bench =>
        {
            var device = new MemoryDevice(bench.Loop, "memory", new Sectors(64));
            IoRegion[] regions = [new(device, Sectors.Zero, new Sectors(8))];
            IoMemory memory = ConformanceBench.Memory(new TestBuffer(4096));
            var classic = new ClassicDmIo(bench.Loop);
            classic.Get(1);
            void Run(int times)
            {
                for (int i = 0; i < times; i++)
                {
                    bench.Client.Start(BlockOperation.Write, BlockFlags.None, regions, memory, static (in _, _) => { });
                    classic.IoAsyncVm(regions, BlockOperation.Write, memory.Buffer, static (_, _) => { }, null);
                    bench.Loop.RunUntilIdle();
                }
            }
            Run(100);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Run(1000);
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        }),
    ];

    private static Errno Write(ConformanceBench bench, IoClient client, int leg, object context) => bench.Start(
        BlockOperation.Write, [bench.Region(leg, 0, 8)], ConformanceBench.Memory(new TestBuffer(4096)),
        context: context, client: client);

    /// <summary>A request that submits itself again, as pooled requests of the mirror do.</summary>
    private sealed class CountingRequest(IoClient client) : IoRequest
    {
        private int _left;

        public int Left => _left;

        public void Run(ManualLoop loop, BlockOperation operation, IoRegion[] regions, IoMemory memory, int times)
        {
            _left = times;
            Operation = operation;
            Memory = memory;
            SetRegions(regions);
            client.Submit(this);
            loop.RunUntilIdle();
        }

        protected internal override void Notify(in IoOutcome outcome)
        {
            if (--_left > 0)
                client.Submit(this);
        }
    }
}
