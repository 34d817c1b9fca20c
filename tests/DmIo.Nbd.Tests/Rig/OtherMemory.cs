using DmIo.Testing;

namespace DmIo.Nbd.Tests;

/// <summary>Memory of a device's that reads are answered from.</summary>
internal sealed class OtherMemory(Sectors count, int seed) : IReadBuffer
{
    public TestBuffer Buffer { get; } = TestBuffer.Random(count, seed);

    public int Releases { get; private set; }

    /// <summary>Overwrites what was given back, so that a late look at it is seen.</summary>
    public void Release()
    {
        Releases++;
        Buffer.Span.Clear();
    }
}
