namespace DmIo.Testing;

/// <summary>A range of a <see cref="ScriptedDevice"/> that fails.</summary>
internal readonly record struct ScriptedFault(
    Sectors Start, Sectors Count, Errno Errno, BlockOperation? Operation, bool EndsWhenWritten = false)
{
    /// <summary>Whether a write that has succeeded ends it: one of all of the range.</summary>
    public bool EndsWith(BlockRequest request) => EndsWhenWritten && request.Operation == BlockOperation.Write
        && request.Start <= Start && request.End >= Start + Count;

    public bool Hits(BlockRequest request)
    {
        if (Operation is { } only && only != request.Operation)
            return false;
        if (request.Operation == BlockOperation.Flush)
            return Count.Count == long.MaxValue;
        return Start < request.End && request.Start.Count - Start.Count < Count.Count;
    }
}
