using System.Text.Json.Serialization;

namespace DmIo.Daemon.Control;

/// <summary>A table, and what else there is to know of its mirrors for this one start.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal record TableRequest
{
    /// <summary>Lines as dmsetup takes them; relative paths start where those of the daemon's configuration do.</summary>
    public required string Table { get; init; }

    /// <summary>This leg is right: it is copied over the others.</summary>
    public int? SyncFrom { get; init; }

    /// <summary>With syncFrom: give up what only other legs hold.</summary>
    public bool Force { get; init; }

    /// <summary>The legs of a new mirror are the same already.</summary>
    public bool AssumeClean { get; init; }

    /// <summary>Do without legs that cannot be had.</summary>
    public bool Degraded { get; init; }
}
