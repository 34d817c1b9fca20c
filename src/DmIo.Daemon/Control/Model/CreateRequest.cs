using System.Text.Json.Serialization;

namespace DmIo.Daemon.Control;

/// <summary>A new mapped device.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CreateRequest : TableRequest
{
    public required string Name { get; init; }

    /// <summary>Open its files and disks for reading alone; exports of it can only be read then.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Open its files and disks with O_DIRECT.</summary>
    public bool Direct { get; init; }
}
