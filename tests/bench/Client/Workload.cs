namespace DmIo.SideBySide.Client;

/// <summary>One kind of load: requests of one size, so many in flight on each of so many connections.</summary>
internal sealed record Workload(Operation Operation, int BlockBytes, int Depth, int Connections = 1, bool Sequential = false)
{
    public bool HasPayload => Operation is Operation.Write or Operation.DurableWrite;
}
