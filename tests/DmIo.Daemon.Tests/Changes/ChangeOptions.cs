namespace DmIo.Daemon.Tests;

/// <summary>What a run of changes is like; all its choices come from the seed.</summary>
public sealed record ChangeOptions(int Seed)
{
    /// <summary>Whether the mirror keeps its log in a file of its own.</summary>
    public bool DiskLog { get; init; }

    /// <summary>Whether legs are opened with O_DIRECT.</summary>
    public bool Direct { get; init; }

    /// <summary>Connections of the stamped load; fio has two more.</summary>
    public int Connections { get; init; } = 3;

    public override string ToString() =>
        $"seed {Seed}, {(DiskLog ? "disk" : "core")} log{(Direct ? ", O_DIRECT" : "")}, {Connections} connections";
}
