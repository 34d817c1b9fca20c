namespace DmIo.Testing;

/// <summary>A range of a <see cref="ScriptedDevice"/> that fails.</summary>
internal readonly record struct ScriptedFault(Sectors Start, Sectors Count, Errno Errno, BlockOperation? Operation)
{
    public bool Hits(BlockRequest request)
    {
        if (Operation is { } only && only != request.Operation)
            return false;
        if (request.Operation == BlockOperation.Flush)
            return Count.Count == long.MaxValue;
        return Start < request.End && request.Start.Count - Start.Count < Count.Count;
    }
}
