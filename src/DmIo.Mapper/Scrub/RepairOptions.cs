namespace DmIo.Mapper;

/// <summary>How a mirror's legs are made alike where they differ.</summary>
public sealed record RepairOptions : ScrubOptions
{
    /// <summary>
    /// The leg that is right wherever it can be read; null: what more than half of the compared legs have. Where nothing
    /// is right, legs stay as they are.
    /// </summary>
    public int? From { get; init; }
}
