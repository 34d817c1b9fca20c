namespace DmIo.Mapper.Tests;

/// <summary>
/// The bytes of a simulated disk: what is durable, the cache over it, and what is read at present. A block is the unit
/// of everything: it changes whole. The cache is the list of the blocks written since, in order; a power cut keeps any
/// part of it.
/// </summary>
internal sealed class MediaContents(Random random, int blocks, int blockBytes, DiskCoverage coverage)
{
    // Arbitrary: many more than are under way at once, few enough that caches overflow.
    private const int CacheBlocks = 1024;

    // A block that a failed flush forgot leaves the page cache before one in so many reads of it.
    private const int ReadsUntilEviction = 4;

    private readonly byte[] _durable = new byte[blocks * blockBytes];
    private readonly byte[] _visible = new byte[blocks * blockBytes];
    private readonly BlockHealth[] _durableHealth = new BlockHealth[blocks];
    private readonly BlockHealth[] _visibleHealth = new BlockHealth[blocks];
    private readonly bool[] _allocated = new bool[blocks];

    // Per block: its last change; its last change that went past the cache; the change that a failed flush forgot.
    private readonly long[] _last = new long[blocks];
    private readonly long[] _written = new long[blocks];
    private readonly long[] _forgotten = new long[blocks];

    private readonly bool[] _lost = new bool[blocks];

    private readonly Queue<CachedBlock> _cache = new();
    private readonly Stack<CachedBlock> _free = new();

    /// <summary>The last change of a block: a flush covers all changes up to the one it found.</summary>
    public long Sequence { get; private set; }

    /// <summary>Blocks that are not durable.</summary>
    public int Cached => _cache.Count;

    /// <summary>What is read at a block, whatever its health.</summary>
    public Span<byte> Visible(int block, int count = 1) => Range(_visible, block, count);

    /// <summary>What a block holds without the cache.</summary>
    public ReadOnlySpan<byte> Durable(int block, int count = 1) => Range(_durable, block, count);

    public BlockHealth HealthOf(int block) => _visibleHealth[block];

    /// <summary>Whether a failed flush has forgotten what was written last to a block, be it still read or not.</summary>
    public bool IsLost(int block) => _lost[block];

    public bool IsHole(int block) => !_allocated[block] && Visible(block).IndexOfAnyExcept((byte)0) < 0;

    /// <summary>The block can no longer be read; what the cache holds of it is lost.</summary>
    public void Spoil(int block, BlockHealth health)
    {
        _durableHealth[block] = _visibleHealth[block] = health;
        _written[block] = ++Sequence;
        Range(_durable, block).CopyTo(Visible(block));
    }

    /// <summary>Changes a block.</summary>
    /// <param name="block">Which.</param>
    /// <param name="data">Its new contents; empty: zeroes.</param>
    /// <param name="durable">Whether it goes past the cache.</param>
    /// <param name="unmaps">Whether it is a hole afterwards.</param>
    /// <param name="write">Equal for the blocks of one write.</param>
    public void Change(int block, in IoVector data, bool durable, bool unmaps, long write)
    {
        Span<byte> visible = Visible(block);
        if (data.LengthBytes == 0)
            visible.Clear();
        else
            data.CopyTo(visible);
        _allocated[block] = !unmaps;
        _visibleHealth[block] = BlockHealth.Good;
        _last[block] = ++Sequence;
        _lost[block] = false;
        if (durable)
            Store(block, visible, Sequence);
        else
            Cache(block, visible, write);
    }

    /// <summary>Before a block is read: what a failed flush forgot may be evicted just now.</summary>
    public void BeforeRead(int block)
    {
        if (_forgotten[block] != 0 && _forgotten[block] == _last[block] && random.Next(ReadsUntilEviction) == 0)
            Evict(block);
    }

    /// <summary>All that failed flushes forgot is evicted.</summary>
    public void EvictForgotten()
    {
        for (int block = 0; block < blocks; block++)
        {
            if (_forgotten[block] != 0 && _forgotten[block] == _last[block])
                Evict(block);
        }
    }

    /// <summary>Makes durable what was changed up to <paramref name="upTo"/>.</summary>
    public void Flush(long upTo)
    {
        while (_cache.TryPeek(out CachedBlock? first) && first.Sequence <= upTo)
            StoreFirst();
        if (_cache.Count > 0)
            coverage.Count(DiskEvent.FlushPassedBy);
    }

    /// <summary>Some of what was changed up to <paramref name="upTo"/> becomes durable, the rest is taken for clean.</summary>
    public void FailFlush(long upTo)
    {
        double keeps = SimulatedMedia.DrawShare(random);
        while (_cache.TryPeek(out CachedBlock? first) && first.Sequence <= upTo)
        {
            if (random.NextDouble() < keeps)
            {
                StoreFirst();
                continue;
            }
            if (_written[first.Block] < first.Sequence)
            {
                coverage.Count(DiskEvent.FlushErrorLost);
                _forgotten[first.Block] = first.Sequence;
                _lost[first.Block] = true;
            }
            _free.Push(_cache.Dequeue());
        }
    }

    /// <summary>Power is cut: any part of the cache is kept, what is visible is what is durable.</summary>
    public void Cut()
    {
        double keeps = SimulatedMedia.DrawShare(random);
        long write = 0;
        bool? kept = null;
        while (_cache.TryPeek(out CachedBlock? first))
        {
            bool keep = random.NextDouble() < keeps;
            if (first.Write == write && kept == !keep)
                coverage.Count(DiskEvent.CutTore);
            (write, kept) = (first.Write, keep);
            coverage.Count(keep ? DiskEvent.CutKept : DiskEvent.CutLost);
            if (keep)
                StoreFirst();
            else
                _free.Push(_cache.Dequeue());
        }
        _durable.CopyTo(_visible, 0);
        _durableHealth.CopyTo(_visibleHealth, 0);
        Array.Clear(_forgotten);
    }

    private Span<byte> Range(byte[] bytes, int block, int count = 1) => bytes.AsSpan(block * blockBytes, count * blockBytes);

    private void Cache(int block, ReadOnlySpan<byte> data, long write)
    {
        if (_cache.Count == CacheBlocks)
        {
            coverage.Count(DiskEvent.WrittenBack);
            StoreFirst();
        }
        if (!_free.TryPop(out CachedBlock? cached))
            cached = new CachedBlock(blockBytes);
        cached.Block = block;
        cached.Sequence = Sequence;
        cached.Write = write;
        data.CopyTo(cached.Data);
        _cache.Enqueue(cached);
    }

    private void StoreFirst()
    {
        CachedBlock first = _cache.Dequeue();
        // What went past the cache later is newer.
        if (_written[first.Block] < first.Sequence)
            Store(first.Block, first.Data, first.Sequence);
        _free.Push(first);
    }

    private void Store(int block, ReadOnlySpan<byte> data, long sequence)
    {
        if (_durableHealth[block] != BlockHealth.Good)
            coverage.Count(DiskEvent.BadBlockHealed);
        _durableHealth[block] = BlockHealth.Good;
        _written[block] = sequence;
        data.CopyTo(Range(_durable, block));
    }

    private void Evict(int block)
    {
        coverage.Count(DiskEvent.LostBlockEvicted);
        _forgotten[block] = 0;
        _durable.AsSpan(block * blockBytes, blockBytes).CopyTo(Visible(block));
        _visibleHealth[block] = _durableHealth[block];
    }
}
