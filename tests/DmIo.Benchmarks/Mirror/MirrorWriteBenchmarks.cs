using BenchmarkDotNet.Attributes;
using DmIo.Mapper;
using DmIo.Testing;

namespace DmIo.Benchmarks.Mirror;

/// <summary>A 4 KiB write through a mapped device to a mirror's two memory legs: what the engine costs, by its log.</summary>
[MemoryDiagnoser]
public class MirrorWriteBenchmarks
{
    private readonly TestRequest[] _writes = new TestRequest[32];
    private MirrorBench _bench = null!;

    /// <summary>Where the dirty log is; on a device every region would be clean at first.</summary>
    [Params("core", "disk")]
    public string Log { get; set; } = "";

    /// <summary>How many regions 32 writes fall into; they stay dirty.</summary>
    [Params(1, 32)]
    public int Regions { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _bench = new MirrorBench(Log, new MirrorOptions());
        for (int i = 0; i < _writes.Length; i++)
        {
            long start = i % Regions * MirrorBench.RegionSectors + i * 8;
            _writes[i] = TestRequest.Write(new Sectors(start), new TestBuffer(4096));
        }
    }

    [GlobalCleanup]
    public void CleanUp() => _bench.Dispose();

    /// <summary>A batch of 32 requests, as a busy connection submits them.</summary>
    [Benchmark(OperationsPerInvoke = 32)]
    public void Batch() => _bench.Run(_writes);
}
