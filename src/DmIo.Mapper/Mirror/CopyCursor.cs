namespace DmIo.Mapper;

/// <summary>
/// Walks the regions that a leg of the set lacks, in chunks: a power of two long and aligned to it, so that a chunk
/// lies within one region or covers whole ones. Chunks grow while the source is a hole, for those cost nothing to copy.
/// </summary>
internal sealed class CopyCursor(LegSet legs, Sectors length, Sectors chunk)
{
    /// <summary>
    /// Long enough to keep a disk busy, short enough that a client's write does not wait long for its turn; no longer
    /// than a worker's buffer.
    /// </summary>
    public static readonly Sectors DefaultChunk = Sectors.FromBytes(BufferPool.MaxBytes);

    // Bounds how long a write waits where a hole has become data meanwhile. Arbitrary.
    private const int HoleFactor = 32;

    private long _want = chunk.Count;
    private Sectors _at;
    private CopySpan? _open;

    /// <summary>Takes the next chunk; false when the end is reached.</summary>
    public bool TryNext(out CopyChunk next)
    {
        next = default;
        if (_open is null)
        {
            long region = _at < length ? legs.NextLacking(legs.RegionOf(_at)) : -1;
            if (region < 0)
                return false;
            _at = Sectors.Max(_at, legs.StartOf(region));
        }
        long size = _want;
        while ((_at.Count & (size - 1)) != 0)
            size >>= 1;
        Sectors end = Sectors.Min(_at + new Sectors(size), length);
        CopySpan span = _open ?? new CopySpan(legs.RegionOf(_at), legs.RegionOf(end - new Sectors(1)));
        span.Outstanding++;
        span.IsIssued = end >= legs.StartOf(span.LastRegion + 1);
        _open = span.IsIssued ? null : span;
        next = new CopyChunk(span, _at, end - _at);
        _at = end;
        return true;
    }

    /// <summary>
    /// Learns what the source was: the next chunks are longer behind a hole, short again behind data.
    /// </summary>
    public void Learn(bool wasHole) => _want = wasHole ? Math.Min(_want * 2, chunk.Count * HoleFactor) : chunk.Count;
}
