namespace DmIo.Mapper;

/// <summary>What activating a log did with the bytes that were found.</summary>
internal enum LogActivationKind
{
    /// <summary>There was no log, or the table's <c>sync</c> or <c>nosync</c> says that it counts for nothing.</summary>
    New,

    /// <summary>The bits are taken as they were found.</summary>
    Kept,

    /// <summary>There were fewer regions: the bits of the new ones are dirty.</summary>
    Grown,

    /// <summary>There were more regions: the bits beyond the end are cleared.</summary>
    Shrunk,

    /// <summary>The version is one that nobody knows; nothing was changed, and nothing may be concluded.</summary>
    Incompatible,
}
