using System.Text.Json.Serialization;

namespace DmIo.Daemon.Control;

/// <summary>A message to a target.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record MessageRequest
{
    /// <summary>A sector that the target serves.</summary>
    public long Sector { get; init; }

    public required IReadOnlyList<string> Words { get; init; }
}
