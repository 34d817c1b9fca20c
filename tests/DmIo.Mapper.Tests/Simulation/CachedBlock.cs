namespace DmIo.Mapper.Tests;

/// <summary>A block that was written and is not durable. Pooled by its <see cref="MediaContents"/>.</summary>
internal sealed class CachedBlock(int blockBytes)
{
    public int Block { get; set; }

    /// <summary>Where it stands in the order of all changes of blocks.</summary>
    public long Sequence { get; set; }

    /// <summary>Equal for the blocks of one write.</summary>
    public long Write { get; set; }

    public byte[] Data { get; } = new byte[blockBytes];
}
