namespace DmIo.Daemon.Control;

/// <summary>An export.</summary>
internal sealed record ExportInfo
{
    public required string Name { get; init; }

    /// <summary>A path, or dm:NAME for a mapped device.</summary>
    public required string Device { get; init; }

    public required long SizeBytes { get; init; }

    public required bool ReadOnly { get; init; }

    /// <summary>Whether the empty name selects it.</summary>
    public required bool Default { get; init; }

    /// <summary>Whether it is left out of lists of exports.</summary>
    public required bool Hidden { get; init; }

    public string? Description { get; init; }

    public required int Connections { get; init; }

    /// <summary>NBD URIs by which it is reached.</summary>
    public required IReadOnlyList<string> Uris { get; init; }
}
