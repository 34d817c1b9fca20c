using BenchmarkDotNet.Attributes;

namespace DmIo.Benchmarks.Memory;

/// <summary>Cutting a request's vector and walking it, once per piece and leg.</summary>
[MemoryDiagnoser]
public class IoVectorBenchmarks
{
    private IoVector _vector;

    [Params(1, 16)]
    public int Segments { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var segments = new IoSegment[Segments];
        for (int i = 0; i < Segments; i++)
            segments[i] = new IoSegment(4096 * (i + 1), 65536);
        _vector = new IoVector(segments, Segments);
    }

    [Benchmark]
    public long SliceAndWalk()
    {
        long bytes = 0;
        foreach (IoSegment segment in _vector.Slice(512, _vector.LengthBytes - 1024))
            bytes += segment.LengthBytes;
        return bytes;
    }
}
