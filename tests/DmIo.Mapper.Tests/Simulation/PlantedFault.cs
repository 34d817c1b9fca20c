namespace DmIo.Mapper.Tests;

/// <summary>
/// Something that is wrong with the engine on purpose, to see that <see cref="MirrorSimulation"/> notices: in what it is
/// made of (its log, its devices, its state file) where that is enough, else in itself.
/// </summary>
internal sealed record PlantedFault(string Name)
{
    public EngineFaults Engine { get; init; }

    /// <summary>Puts something between clients and the mirror.</summary>
    public Func<BlockDevice, BlockDevice> Volume { get; init; } = device => device;

    /// <summary>Puts something between the engine and a leg.</summary>
    public Func<BlockDevice, BlockDevice> Leg { get; init; } = device => device;

    /// <summary>Puts something between the engine and the devices of the log and of its record.</summary>
    public Func<BlockDevice, BlockDevice> LogDevice { get; init; } = device => device;

    /// <summary>Puts something between the mirror and its log.</summary>
    public Func<RegionLog, LegSet, RegionLog> Log { get; init; } = (log, _) => log;

    /// <summary>Puts something between the mirror and its state file.</summary>
    public Func<IStateStore, IStateStore> Store { get; init; } = store => store;

    /// <summary>Legs are known by their place in the table.</summary>
    public bool IgnoresIdentity { get; init; }

    /// <summary>Searches seeds, from 1 on, for the first whose life tells that something is wrong.</summary>
    /// <returns>The seed, and what is told; null when none of them does.</returns>
    public string? FindNoticed(int seeds, int steps)
    {
        for (int seed = 1; seed <= seeds; seed++)
        {
            if (new MirrorSimulation(seed, fault: this).Live(steps) is { } problem)
                return $"seed {seed}, {problem}";
        }
        return null;
    }

    public override string ToString() => Name;
}
