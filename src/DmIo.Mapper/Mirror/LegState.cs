namespace DmIo.Mapper;

/// <summary>What is known of a leg of a mirror. The names stand in the state file.</summary>
internal enum LegState
{
    /// <summary>Holds everything, identical to the other legs in sync.</summary>
    InSync,

    /// <summary>
    /// Holds everything that was acknowledged, but may differ from the source where writes were in flight when the
    /// program ended; a full copy makes it in sync.
    /// </summary>
    MayDiffer,

    /// <summary>Lacks data until the full copy to it is done.</summary>
    Copying,

    /// <summary>Failed, or is not the leg that was recorded: neither read nor written.</summary>
    Stale,
}
