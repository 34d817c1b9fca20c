using BenchmarkDotNet.Attributes;
using DmIo.Testing;

namespace DmIo.Benchmarks.Service;

/// <summary>One 4 KiB write to several memory devices through the dm-io core: what dispatch and completion cost.</summary>
[MemoryDiagnoser]
public class IoClientBenchmarks
{
    private readonly ManualLoop _loop = new();
    private readonly Write[] _writes = new Write[32];
    private IoClient _client = null!;
    private TestBuffer _buffer = null!;

    [Params(1, 2, 4)]
    public int Regions { get; set; }

    /// <summary>Whether the request is told of its regions one by one, as a mirror's is.</summary>
    [Params(false, true)]
    public bool Tracks { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _client = new IoClient(_loop, _writes.Length);
        _buffer = new TestBuffer(4096);
        var regions = new IoRegion[Regions];
        for (int i = 0; i < Regions; i++)
            regions[i] = new IoRegion(new MemoryDevice(_loop, $"m{i}", new Sectors(2048)), Sectors.Zero, new Sectors(8));
        for (int i = 0; i < _writes.Length; i++)
        {
            _writes[i] = new Write(Tracks) { Operation = BlockOperation.Write, Memory = IoMemory.FromBuffer(_buffer.Segment) };
            _writes[i].SetRegions(regions);
        }
    }

    /// <summary>A batch of 32 requests, as a busy connection submits them.</summary>
    [Benchmark(OperationsPerInvoke = 32)]
    public void Batch()
    {
        foreach (Write write in _writes)
            _client.Submit(write);
        _loop.RunUntilIdle();
    }

    private sealed class Write(bool tracks) : IoRequest
    {
        protected override bool TracksRegions => tracks;

        protected override void Notify(in IoOutcome outcome)
        {
            if (!outcome.IsSuccess)
                throw new InvalidOperationException("A memory device failed.");
        }
    }
}
