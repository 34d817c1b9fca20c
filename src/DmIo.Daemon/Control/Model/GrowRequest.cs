using System.Text.Json.Serialization;

namespace DmIo.Daemon.Control;

/// <summary>How long a device is to be.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record GrowRequest
{
    public required long LengthSectors { get; init; }
}
