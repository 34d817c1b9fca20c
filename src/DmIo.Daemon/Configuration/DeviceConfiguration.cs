using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>A mapped device: its name, its table and what it needs to know of its legs.</summary>
internal sealed record DeviceConfiguration
{
    /// <summary>Where the configuration says so.</summary>
    public required string Place { get; init; }

    public required string Name { get; init; }

    /// <summary>The table, one target a line.</summary>
    public required string TableText { get; init; }

    /// <summary>The table of a device that is served already, instead of <see cref="TableText"/>.</summary>
    public Table? Table { get; init; }

    /// <summary>Where the table is written, for mistakes in it.</summary>
    public required string TablePlace { get; init; }

    /// <summary>Open all files and disks of the table with O_DIRECT.</summary>
    public bool Direct { get; init; }

    /// <summary>Those of them to open with O_DIRECT when not all are, as the table names them.</summary>
    public IReadOnlyList<string> DirectPaths { get; init; } = [];

    public int? SyncFrom { get; init; }

    /// <summary>Go on with <see cref="SyncFrom"/> although other legs hold what it lacks.</summary>
    public bool Force { get; init; }

    public bool AssumeClean { get; init; }

    /// <summary>What lies beneath is made as long as it has to be.</summary>
    public bool Grows { get; init; }

    /// <summary>
    /// It is written although no export says so: exports may come later. Where this is false and
    /// <see cref="IsReadOnly"/> too, its files are opened for writing if that can be.
    /// </summary>
    public bool IsWritten { get; init; }

    /// <summary>Its files are opened for reading alone.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Serve although legs of its mirrors cannot be had.</summary>
    public bool Degraded { get; init; }

    /// <summary>How its mirrors behave; null when nothing is said of it.</summary>
    public MirrorOptions? Mirror { get; init; }
}
