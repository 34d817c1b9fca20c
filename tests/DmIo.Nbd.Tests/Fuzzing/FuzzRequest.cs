using DmIo.Nbd.Wire;

namespace DmIo.Nbd.Tests;

/// <summary>A request that was sent whole and has not been answered whole.</summary>
internal sealed class FuzzRequest
{
    public required RequestHeader Header { get; init; }

    /// <summary>The payload; empty when it has none, or one that nobody keeps.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>When it was sent, by the clock of the export's content.</summary>
    public long SentAt { get; init; }

    /// <summary>What it changes, if it may change anything.</summary>
    public FuzzChange? Change { get; init; }

    /// <summary>The errors that it may be answered.</summary>
    public required HashSet<uint> Errors { get; init; }

    public required bool MaySucceed { get; init; }

    /// <summary>READ: what is yet to come.</summary>
    public FuzzRanges? Rest { get; set; }

    /// <summary>READ: how many chunks of content have come.</summary>
    public int ContentChunks { get; set; }

    /// <summary>BLOCK_STATUS: contexts that are yet to come, by id; null as long as nobody has looked.</summary>
    public HashSet<uint>? Contexts { get; set; }

    /// <summary>BLOCK_STATUS: bytes of the range that is asked for.</summary>
    public ulong RangeBytes { get; set; }

    /// <summary>The error that a chunk has told.</summary>
    public uint Error { get; set; }
}
