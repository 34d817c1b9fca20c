namespace DmIo.Mapper;

/// <summary>One leg in the state file.</summary>
internal sealed record LegRecord
{
    public required LegIdentity Identity { get; init; }

    public required long OffsetSectors { get; init; }

    /// <summary>Whether writes went to it. After a crash a leg outside the set lacks everything.</summary>
    public bool InSet { get; init; } = true;

    /// <summary>It was given up by a forced start.</summary>
    public bool Diverged { get; init; }

    /// <summary>It was taken out of the set by hand, and stays out until it is cleared; null: it was not.</summary>
    public bool? FailedByHand { get; init; }

    /// <summary>Regions that it lacks, as runs: first and last of each.</summary>
    public IReadOnlyList<long[]>? Lacks { get; init; }

    public LegFailure? Failure { get; init; }
}
