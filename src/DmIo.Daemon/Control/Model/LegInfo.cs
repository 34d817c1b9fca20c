namespace DmIo.Daemon.Control;

/// <summary>A leg of a mirror.</summary>
internal sealed record LegInfo
{
    /// <summary>Its number, counted from 0.</summary>
    public required int Leg { get; init; }

    /// <summary>The device, as the status line shows it.</summary>
    public required string Device { get; init; }

    /// <summary>The kernel's letter: A alive, D a write failed, S sync failed, R a read failed, F a flush failed.</summary>
    public required char Health { get; init; }

    /// <summary>Whether writes go to it.</summary>
    public required bool InSet { get; init; }

    /// <summary>Whether its device is there.</summary>
    public required bool Present { get; init; }

    /// <summary>Whether it was taken out of the set by hand, and stays out until it is cleared.</summary>
    public required bool FailedByHand { get; init; }

    /// <summary>In how many regions it lacks something that was acknowledged.</summary>
    public required long LackedRegions { get; init; }

    /// <summary>What it failed last, since it was cleared.</summary>
    public LegTroubleInfo? LastFailure { get; init; }

    public required LegTrafficInfo Reads { get; init; }

    /// <summary>Writes, zeroes, discards; failed flushes are among the errors.</summary>
    public required LegTrafficInfo Writes { get; init; }
}
