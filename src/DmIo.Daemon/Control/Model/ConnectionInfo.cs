namespace DmIo.Daemon.Control;

/// <summary>An NBD client.</summary>
internal sealed record ConnectionInfo
{
    /// <summary>Counts the connections of this run of the daemon from 1.</summary>
    public required long Id { get; init; }

    public required string Peer { get; init; }

    public required DateTimeOffset Since { get; init; }

    /// <summary>What it chose; missing while it negotiates.</summary>
    public string? Export { get; init; }

    public int InFlight { get; init; }

    public long Requests { get; init; }

    /// <summary>Requests that were answered with an error.</summary>
    public long Errors { get; init; }

    public long BytesRead { get; init; }

    public long BytesWritten { get; init; }
}
