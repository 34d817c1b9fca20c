using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>A block of which a leg's medium has silently changed a bit.</summary>
internal sealed class FlippedBlock
{
    private readonly byte[] _before;
    private readonly byte[] _after;

    public FlippedBlock(SimulatedMedia leg, int block, int bit)
    {
        Leg = leg;
        Block = block;
        _before = leg.Contents.Visible(block).ToArray();
        _after = [.. _before];
        _after[bit >> 3] ^= (byte)(1 << (bit & 7));
        FirstByte = (long)block * leg.BlockBytes + (bit >> 3);
        Put(_after);
    }

    public SimulatedMedia Leg { get; }

    public int Block { get; }

    /// <summary>The byte that is wrong, counted from the beginning of the leg.</summary>
    public long FirstByte { get; }

    public Sectors Start => Sectors.FromBytes((long)Block * Leg.BlockBytes);

    public Sectors Count => Sectors.FromBytes(Leg.BlockBytes);

    /// <summary>Whether the leg has again what it had.</summary>
    public bool IsMended => Leg.Contents.Visible(Block).SequenceEqual(_before);

    /// <summary>Gives the leg what it had, if it still has what it must not.</summary>
    public void Restore()
    {
        if (Leg.Contents.Visible(Block).SequenceEqual(_after))
            Put(_before);
    }

    private void Put(byte[] data)
    {
        var buffer = new TestBuffer(data.Length);
        data.CopyTo(buffer.Span);
        Leg.Contents.Change(Block, buffer.Vector, durable: true, unmaps: false, write: 0);
    }
}
