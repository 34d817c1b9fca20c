using DmIo.SideBySide.Client;

namespace DmIo.SideBySide.Cells;

/// <summary>One row of the table.</summary>
/// <param name="Name">As given to --only.</param>
/// <param name="What">In words.</param>
/// <param name="Workload">The load; for fio and nbdcopy it says how to count.</param>
internal sealed record Cell(string Name, string What, Workload Workload)
{
    public Medium Medium { get; init; }

    public Placement Placement { get; init; }

    public Load Load { get; init; }

    public bool Direct { get; init; }

    /// <summary>The servers speak TLS 1.3 with their clients.</summary>
    public bool Tls { get; init; }

    public bool Mirror { get; init; }

    /// <summary>
    /// The two logs of our own mirror side by side, the one on a device in our place and the one in memory in the peers'.
    /// </summary>
    public bool ComparesLogs { get; init; }

    /// <summary>The size of a mirror's regions, which then settle after a second; null for the defaults.</summary>
    public string? Region { get; init; }

    /// <summary>The ratio to reach, where there is one.</summary>
    public double? Aim { get; init; }

    /// <summary>fio's or nbdcopy's own arguments.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Large blocks are told in MiB/s, small ones in operations.</summary>
    public bool InBytes => Workload.BlockBytes >= 64 * 1024;

    /// <summary>Whether libnbd speaks to the servers, which takes structured replies where it can get them.</summary>
    public bool IsThroughLibnbd => Load is not Load.Client;
}
