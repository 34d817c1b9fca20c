using System.Text.Json.Serialization;

namespace DmIo.Daemon.Control;

/// <summary>A new export.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record ExportRequest
{
    public required string Name { get; init; }

    /// <summary>A path, or dm:NAME for a mapped device; dm: and the export's own name if not said.</summary>
    public string? Device { get; init; }

    /// <summary>Refuse changes.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Clients that name no export get this one.</summary>
    public bool Default { get; init; }

    /// <summary>Leave it out of lists of exports; who knows its name is served.</summary>
    public bool Hidden { get; init; }

    /// <summary>Keep it from clients without TLS.</summary>
    public bool RequireTls { get; init; }

    public string? Description { get; init; }
}
