namespace DmIo.Mapper;

/// <summary>What can happen to a mapped device.</summary>
public enum VolumeEventKind
{
    /// <summary>Something in the status line has changed that has no kind of its own.</summary>
    StatusChanged,

    /// <summary>A leg failed an operation and stays in the set.</summary>
    LegFailed,

    /// <summary>A leg failed an operation, or was told to, and left the set.</summary>
    LegLeft,

    /// <summary>A leg answers again and takes writes again.</summary>
    LegReturned,

    /// <summary>A leg holds everything.</summary>
    LegInSync,

    /// <summary>Copying what legs lack has begun.</summary>
    RecoveryBegan,

    /// <summary>Some of what legs lack could not be copied.</summary>
    RecoveryIncomplete,

    /// <summary>What a leg could not read was rewritten from another.</summary>
    ReadRepaired,

    /// <summary>The record of what legs lack cannot be written.</summary>
    RecordFailed,

    /// <summary>The record can be written again.</summary>
    RecordWorks,

    /// <summary>The log device failed.</summary>
    LogFailed,

    /// <summary>The log device works again.</summary>
    LogWorks,

    /// <summary>A table waits for the next resume.</summary>
    TableLoaded,

    /// <summary>Requests are held back.</summary>
    Suspended,

    /// <summary>Requests are served again, perhaps by another table.</summary>
    Resumed,

    /// <summary>Legs differ where they should be identical.</summary>
    Mismatch,

    /// <summary>A check or repair of the legs has begun.</summary>
    ScrubBegan,

    /// <summary>A check or repair of the legs has ended.</summary>
    ScrubEnded,
}
