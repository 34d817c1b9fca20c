namespace DmIo.SideBySide.Client;

/// <summary>What every request of a workload does.</summary>
internal enum Operation
{
    Read,
    Write,

    /// <summary>A write that is durable before its reply (FUA).</summary>
    DurableWrite,
    Flush,
}
