namespace DmIo.Mapper;

/// <summary>What is known of a leg: an instant that may have passed.</summary>
public sealed record LegFacts
{
    /// <summary>Where the leg's mirror begins on the volume.</summary>
    public required Sectors MirrorBegin { get; init; }

    /// <summary>The leg, counted from 0.</summary>
    public required int Index { get; init; }

    /// <summary>The word that the table has for the device.</summary>
    public required string Device { get; init; }

    /// <summary>The letter in the status line.</summary>
    public required char Health { get; init; }

    /// <summary>Whether writes go to it.</summary>
    public required bool IsInSet { get; init; }

    /// <summary>Whether its device is there.</summary>
    public required bool IsPresent { get; init; }

    /// <summary>Whether it was taken out of the set by hand, so that it stays out until it is cleared.</summary>
    public required bool IsFailedByHand { get; init; }

    /// <summary>How many regions the mirror has.</summary>
    public required long Regions { get; init; }

    /// <summary>In how many of them it lacks something that was acknowledged.</summary>
    public required long LackedRegions { get; init; }

    /// <summary>In how many of them holders may differ; the same for all legs of a mirror.</summary>
    public required long DifferingRegions { get; init; }

    /// <summary>What it failed last, since it was cleared; null: nothing.</summary>
    public required LegTrouble? LastFailure { get; init; }

    /// <summary>What was read.</summary>
    public required LegTraffic Reads { get; init; }

    /// <summary>What was written, zeroed, discarded; failed flushes count as errors here.</summary>
    public required LegTraffic Writes { get; init; }
}
