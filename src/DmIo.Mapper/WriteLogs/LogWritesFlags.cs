namespace DmIo.Mapper;

/// <summary>What an entry of a log of writes is; the values are those in the log.</summary>
[Flags]
public enum LogWritesFlags : ulong
{
    /// <summary>A plain write.</summary>
    None = 0,

    /// <summary>A flush: everything before it in the log is durable.</summary>
    Flush = 1,

    /// <summary>The write itself was durable when it ended.</summary>
    Fua = 2,

    /// <summary>A discard; the entry has no data.</summary>
    Discard = 4,

    /// <summary>A mark, made by a message; it has a text and touches no sector.</summary>
    Mark = 8,

    /// <summary>A write of metadata, as file systems say; only in logs that a kernel wrote.</summary>
    Metadata = 16,
}
