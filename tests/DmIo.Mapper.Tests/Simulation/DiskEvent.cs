namespace DmIo.Mapper.Tests;

/// <summary>What happened to simulated hardware: a simulation that never reaches one of these tests less than it says.</summary>
internal enum DiskEvent
{
    /// <summary>An operation completed while one that was submitted before it was under way.</summary>
    OutOfOrder,

    /// <summary>Part of a change or of a read was done before the rest.</summary>
    DoneInParts,

    /// <summary>A write failed.</summary>
    WriteError,

    /// <summary>A change failed and had taken effect on some of its blocks, not on all.</summary>
    TornError,

    /// <summary>A change that had failed took effect afterwards.</summary>
    LandedAfterError,

    /// <summary>A read failed, without a bad block.</summary>
    ReadError,

    /// <summary>A read met a bad block.</summary>
    BadBlockRead,

    /// <summary>A bad block was rewritten, and that is durable.</summary>
    BadBlockHealed,

    /// <summary>A flush failed.</summary>
    FlushError,

    /// <summary>A failed flush forgot a cached block as if it were clean.</summary>
    FlushErrorLost,

    /// <summary>A block that a failed flush forgot left the cache, and what was there before is read again.</summary>
    LostBlockEvicted,

    /// <summary>A discard failed or was refused.</summary>
    DiscardError,

    /// <summary>A write-zeroes failed or was refused.</summary>
    ZeroesError,

    /// <summary>A disk that was gone refused an operation.</summary>
    GoneRefused,

    /// <summary>An operation was under way when the disk went.</summary>
    GoneUnderWay,

    /// <summary>A hanging disk held an operation.</summary>
    Hung,

    /// <summary>A change took effect after it had hung.</summary>
    LandedAfterHang,

    /// <summary>A change took effect and never completed.</summary>
    LandedUnseen,

    /// <summary>An operation vanished without effect and never completed.</summary>
    Vanished,

    /// <summary>An operation took far longer than others.</summary>
    Slow,

    /// <summary>A change took effect that took far longer than others.</summary>
    LandedSlow,

    /// <summary>The cache was full and wrote a block back.</summary>
    WrittenBack,

    /// <summary>A flush completed while the cache held blocks that came after it was submitted.</summary>
    FlushPassedBy,

    /// <summary>Power was cut.</summary>
    PowerCut,

    /// <summary>A power cut lost a block that had been acknowledged.</summary>
    CutLost,

    /// <summary>A power cut kept a block that was not durable.</summary>
    CutKept,

    /// <summary>A power cut kept a part of an acknowledged write.</summary>
    CutTore,

    /// <summary>A power cut caught a change under way, and some of its blocks took effect, not all.</summary>
    CutUnderWayTore,

    /// <summary>The program was killed, the disk went on.</summary>
    Kill,
}
