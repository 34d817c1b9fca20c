namespace DmIo.Mapper;

/// <summary>What of a range had to be rewritten on a leg.</summary>
internal sealed class RewrittenSectors
{
    /// <summary>The first sector of it, on the volume.</summary>
    public Sectors First { get; private set; }

    /// <summary>How many in all.</summary>
    public Sectors Count { get; private set; }

    /// <summary>Adds what lies behind all that was added before.</summary>
    public void Add(Sectors start, Sectors count)
    {
        if (Count == Sectors.Zero)
            First = start;
        Count += count;
    }
}
