using BenchmarkDotNet.Attributes;

namespace DmIo.Benchmarks.Loops;

/// <summary>
/// A trip from the loop to a worker and back: what a lane costs a mirror leg, for one item (depth 1) and for a batch of 32
/// that wakes the worker once.
/// </summary>
[MemoryDiagnoser]
public class LaneBenchmarks
{
    private KernelLoop _loop = null!;
    private Lane _lane = null!;
    private Batch _batch = null!;

    [Params(1, 32)]
    public int Items { get; set; }

    [GlobalSetup]
    public async Task SetUp()
    {
        _loop = KernelLoop.Open("bench", LoopBackend.Threads, out _);
        _loop.Start();
        _lane = await _loop.InvokeAsync(() => ValueTask.FromResult(_loop.OpenLane("bench-lane", 1)));
        _batch = new Batch(_lane, Items);
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        await _loop.InvokeAsync(() =>
        {
            _lane.Dispose();
            return ValueTask.CompletedTask;
        });
        _loop.Dispose();
    }

    [Benchmark]
    public void ThereAndBack()
    {
        _loop.Post(_batch);
        _batch.Done.WaitOne();
    }

    private sealed class Batch : LoopWork
    {
        private readonly Lane _lane;
        private readonly Item[] _items;
        private int _left;

        public Batch(Lane lane, int items)
        {
            _lane = lane;
            _items = new Item[items];
            for (int i = 0; i < items; i++)
                _items[i] = new Item(this);
        }

        public AutoResetEvent Done { get; } = new(false);

        protected override void Run()
        {
            _left = _items.Length;
            foreach (Item item in _items)
                _lane.Enqueue(item);
        }

        private void Finished()
        {
            if (--_left == 0)
                Done.Set();
        }

        private sealed class Item(Batch batch) : LaneWork
        {
            protected override void Execute()
            {
            }

            protected override void Run() => batch.Finished();
        }
    }
}
