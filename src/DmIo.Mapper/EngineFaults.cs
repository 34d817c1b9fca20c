namespace DmIo.Mapper;

/// <summary>Faults that a test plants in the engine, to see that the simulation notices. None in a program.</summary>
[Flags]
internal enum EngineFaults
{
    None = 0,

    /// <summary>Regions are marked clean before the legs are flushed.</summary>
    CleanBeforeFlush = 1,

    /// <summary>Recovery copies without the turn that orders it with clients' changes.</summary>
    NoTurnsInRecovery = 2,

    /// <summary>What recovery has copied is believed before it is durable on the legs.</summary>
    BelievesUnflushedCopies = 4,

    /// <summary>What was copied while legs left and returned is believed.</summary>
    BelievesOutdatedCopies = 8,

    /// <summary>Reads are sent to legs that lack the region.</summary>
    ReadsWhatIsLacked = 16,

    /// <summary>Reads are believed from a leg that has just failed something.</summary>
    ReadsFromSuspects = 32,

    /// <summary>At a start the anchor names all legs before the bitmaps say what they lack.</summary>
    AnchorBeforeBitmaps = 64,

    /// <summary>The last leg that holds a region is dropped from the set like any other.</summary>
    DropsLastHolder = 128,

    /// <summary>The log is written although an operation on it that was given up may still land.</summary>
    WritesOverLateLog = 256,

    /// <summary>A flush does not wait for legs that are behind with writes that were answered.</summary>
    FlushesBesideLaggards = 512,

    /// <summary>Reads are sent to legs that are behind with a write that was answered.</summary>
    ReadsFromLaggards = 1024,

    /// <summary>A range that a leg could not read is rewritten without the turn that orders it with clients' changes.</summary>
    NoTurnsInRepair = 2048,

    /// <summary>Writes that are held for a leg are never answered.</summary>
    ForgetsHeldWrites = 4096,
}
