namespace DmIo.Mapper;

/// <summary>The bad blocks of a dust target, and how often a write to each still fails.</summary>
internal sealed class BadBlocks
{
    private readonly SortedSet<long> _blocks = [];
    private readonly Dictionary<long, int> _writeFailures = [];

    public int Count => _blocks.Count;

    /// <summary>The blocks, lowest first.</summary>
    public IEnumerable<long> All => _blocks;

    public bool Contains(long block) => _writeFailures.ContainsKey(block);

    /// <summary>Whether any block from <paramref name="first"/> to <paramref name="last"/> is bad.</summary>
    public bool AnyIn(long first, long last) => _blocks.GetViewBetween(first, last).Count > 0;

    /// <returns>False when it is bad already.</returns>
    public bool TryAdd(long block, int writeFailures) => _writeFailures.TryAdd(block, writeFailures) && _blocks.Add(block);

    /// <returns>False when it was not bad.</returns>
    public bool Remove(long block) => _writeFailures.Remove(block) && _blocks.Remove(block);

    public void Clear()
    {
        _blocks.Clear();
        _writeFailures.Clear();
    }

    /// <summary>A write to a bad block: while its count lasts it fails; then the block is good again.</summary>
    /// <returns>Whether the write fails.</returns>
    public bool FailsWrite(long block)
    {
        int left = _writeFailures[block];
        if (left > 0)
            _writeFailures[block] = left - 1;
        else
            Remove(block);
        return left > 0;
    }
}
