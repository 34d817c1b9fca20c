namespace DmIo.Mapper;

/// <summary>One leg as its mirror's record knows it.</summary>
/// <param name="Lacks">Regions of which it lacks something that was acknowledged.</param>
/// <param name="IsDiverged">It was given up by a forced start.</param>
/// <param name="Failure">What it failed last.</param>
internal sealed record RecordedLeg(RegionSet Lacks, bool IsDiverged, LegFailure? Failure)
{
    /// <summary>It was taken out of the set by hand.</summary>
    public bool IsFailedByHand { get; init; }
}
