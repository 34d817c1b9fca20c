namespace DmIo.Mapper;

/// <summary>
/// A buffer that the mirror's own reads and writes use, one after the other. Operations that were given up may still use
/// it: then it is let go, and goes back to its pool when they have ended.
/// </summary>
internal sealed class LentBuffer
{
    private readonly BufferPool _pool;
    private readonly IoSegment[] _segments;
    private Task _landing = Task.CompletedTask;

    private LentBuffer(BufferPool pool, IoSegment segment)
    {
        _pool = pool;
        _segments = [segment];
    }

    /// <summary>Whether an operation that was given up may still use it: for nothing else then.</summary>
    public bool IsPinned => !_landing.IsCompleted;

    public Span<byte> Span => _segments[0].Span;

    /// <returns>Null when the pool has none.</returns>
    public static LentBuffer? TryRent(BufferPool pool, int bytes) =>
        pool.TryRent(bytes, out IoSegment segment) ? new LentBuffer(pool, segment) : null;

    /// <summary>Its first bytes.</summary>
    public IoVector First(long bytes) => new IoVector(_segments, 1).Slice(0, bytes);

    /// <summary>Takes note of an outcome: whether all that it was asked for has ended.</summary>
    public LegFailures Used(LegFailures outcome)
    {
        if (!outcome.Landing.IsCompleted)
            _landing = Task.WhenAll(_landing, outcome.Landing);
        return outcome;
    }

    public void Release()
    {
        if (IsPinned)
            _ = ReleaseLaterAsync();
        else
            _pool.Return(_segments[0]);
    }

    private async Task ReleaseLaterAsync()
    {
        await _landing;
        _pool.Return(_segments[0]);
    }
}
