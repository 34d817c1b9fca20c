namespace DmIo.Mapper;

/// <summary>What became of a range in which legs differ.</summary>
public enum ScrubOutcome
{
    /// <summary>It was only told.</summary>
    Told,

    /// <summary>All legs have what is right there, durably and read back.</summary>
    Repaired,

    /// <summary>Nothing is right there: no majority, or the leg that was to be right could not be read.</summary>
    Undecided,

    /// <summary>A leg could not be rewritten, or the record could not say so before.</summary>
    Failed,
}
