using System.Runtime.InteropServices;

namespace DmIo.Testing;

/// <summary>Native memory for a test, page-aligned; the garbage collector frees it with the object.</summary>
public sealed unsafe class TestBuffer
{
    private readonly byte* _memory;

    /// <summary>Allocates zeroes; <paramref name="skewBytes"/> moves the buffer off its alignment.</summary>
    public TestBuffer(int bytes, int skewBytes = 0)
    {
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + skewBytes), 4096);
        Segment = new IoSegment((nint)_memory + skewBytes, bytes);
        Segment.Span.Clear();
    }

    ~TestBuffer() => NativeMemory.AlignedFree(_memory);

    public IoSegment Segment { get; }

    public IoVector Vector => new([Segment], 1);

    public Span<byte> Span => Segment.Span;

    /// <summary>A buffer of whole sectors filled with bytes that a seed determines, none of them zero.</summary>
    public static TestBuffer Random(Sectors count, int seed)
    {
        var buffer = new TestBuffer((int)count.Bytes);
        var random = new Random(seed);
        foreach (ref byte b in buffer.Span)
            b = (byte)random.Next(1, 256);
        return buffer;
    }
}
