using System.Text.Json.Serialization;

namespace DmIo.Daemon.Control;

/// <summary>A leg to be.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record LegRequest
{
    /// <summary>A path, or dm:NAME for a mapped device.</summary>
    public required string Device { get; init; }

    /// <summary>Where the mirror's first sector lies on it.</summary>
    public long OffsetSectors { get; init; }
}
