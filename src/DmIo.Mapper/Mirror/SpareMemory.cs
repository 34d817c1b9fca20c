namespace DmIo.Mapper;

/// <summary>Memory that a read is answered from when its own may still be written by a leg that hangs. Belongs to the mirror.</summary>
internal sealed class SpareMemory : IReadBuffer
{
    private readonly BufferPool _pool;
    private readonly IoSegment[] _segments;

    private SpareMemory(BufferPool pool, IoSegment[] segments)
    {
        _pool = pool;
        _segments = segments;
    }

    public IoVector Vector => new(_segments, _segments.Length);

    /// <summary>Rents as much as a read needs; null when the pool has not got it.</summary>
    public static SpareMemory? TryRent(BufferPool pool, long bytes)
    {
        var segments = new List<IoSegment>();
        while (bytes > 0)
        {
            int part = (int)Math.Min(bytes, BufferPool.MaxBytes);
            if (!pool.TryRent(part, out IoSegment segment))
            {
                segments.ForEach(pool.Return);
                return null;
            }
            segments.Add(segment);
            bytes -= part;
        }
        return new SpareMemory(pool, [.. segments]);
    }

    public void Release()
    {
        foreach (IoSegment segment in _segments)
            _pool.Return(segment);
    }
}
