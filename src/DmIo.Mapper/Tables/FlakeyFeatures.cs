namespace DmIo.Mapper;

/// <summary>What a flakey target does wrong while it is down.</summary>
public sealed record FlakeyFeatures
{
    /// <summary>Corruption happens so many times out of this: <c>1000000000</c> is always.</summary>
    public const uint ProbabilityBase = 1_000_000_000;

    /// <summary><c>error_reads</c>: reads fail with EIO.</summary>
    public bool ErrorReads { get; init; }

    /// <summary><c>drop_writes</c>: what changes data is acknowledged and not done, and so are flushes.</summary>
    public bool DropWrites { get; init; }

    /// <summary><c>error_writes</c>: what changes data fails with EIO, and so do flushes.</summary>
    public bool ErrorWrites { get; init; }

    /// <summary><c>corrupt_bio_byte</c>: one byte of each request is replaced; null when there is none.</summary>
    public FlakeyByte? CorruptByte { get; init; }

    /// <summary><c>random_read_corrupt</c>: how often a byte of a read is replaced, out of <see cref="ProbabilityBase"/>.</summary>
    public uint RandomReadCorrupt { get; init; }

    /// <summary><c>random_write_corrupt</c>: the same for writes.</summary>
    public uint RandomWriteCorrupt { get; init; }
}
