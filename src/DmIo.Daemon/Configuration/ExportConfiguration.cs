namespace DmIo.Daemon.Configuration;

/// <summary>What clients see: a name, and the device behind it.</summary>
internal sealed record ExportConfiguration
{
    /// <summary>Where the configuration says so.</summary>
    public required string Place { get; init; }

    public required string Name { get; init; }

    /// <summary>A path, or dm:NAME for a mapped device.</summary>
    public required string Device { get; init; }

    public bool ReadOnly { get; init; }

    /// <summary>Whether clients that name no export get this one.</summary>
    public bool IsDefault { get; init; }

    /// <summary>Whether it is left out of lists of exports.</summary>
    public bool IsHidden { get; init; }

    /// <summary>Whether it is to be had with TLS alone, where TLS is a matter of exports.</summary>
    public bool RequireTls { get; init; }

    public string? Description { get; init; }
}
