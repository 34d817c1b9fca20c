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

    /// <summary>How it is encrypted, such as TLS 1.3; missing when it is not.</summary>
    public string? Tls { get; init; }

    /// <summary>The cipher suite's registered name.</summary>
    public string? TlsCipher { get; init; }

    /// <summary>The name in the client's certificate; missing when none was asked for.</summary>
    public string? TlsPeer { get; init; }

    public int InFlight { get; init; }

    public long Requests { get; init; }

    /// <summary>Requests that were answered with an error.</summary>
    public long Errors { get; init; }

    public long BytesRead { get; init; }

    public long BytesWritten { get; init; }
}
