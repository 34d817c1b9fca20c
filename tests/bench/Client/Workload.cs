namespace DmIo.SideBySide.Client;

/// <summary>One kind of load: requests of one size, so many in flight on each of so many connections.</summary>
internal sealed record Workload(Operation Operation, int BlockBytes, int Depth, int Connections = 1, bool Sequential = false)
{
    public bool HasPayload => Operation is Operation.Write or Operation.DurableWrite;

    /// <summary>Whether reads are answered by chunks; else every reply is a simple one.</summary>
    public bool Structured { get; init; }

    /// <summary>How much of the export it touches, from its begin on; 0 for all.</summary>
    public long SpanBytes { get; init; }

    /// <summary>In no visible order, but every block once before any comes again.</summary>
    public bool Scattered { get; init; }
}
