using System.Numerics;

namespace DmIo.Mapper;

/// <summary>A set of regions: one bit each, no memory while it is empty.</summary>
internal sealed class RegionSet(long capacity)
{
    private ulong[] _words = [];

    /// <summary>How many regions are in the set.</summary>
    public long Count { get; private set; }

    public bool Contains(long region) => _words.Length > 0 && (_words[region >> 6] >> (int)region & 1) != 0;

    /// <summary>Whether any region from the first to the last is in the set.</summary>
    public bool ContainsAny(long first, long last) => NextFrom(first) is var next && next >= 0 && next <= last;

    /// <returns>False when it was there already.</returns>
    public bool Add(long region)
    {
        if (_words.Length == 0)
            _words = new ulong[(capacity + 63) >> 6];
        ulong bit = 1UL << (int)region;
        ref ulong word = ref _words[region >> 6];
        if ((word & bit) != 0)
            return false;
        word |= bit;
        Count++;
        return true;
    }

    /// <returns>False when it was not there.</returns>
    public bool Remove(long region)
    {
        if (!Contains(region))
            return false;
        _words[region >> 6] &= ~(1UL << (int)region);
        if (--Count == 0)
            _words = [];
        return true;
    }

    /// <summary>
    /// The first region of the set that is not before <paramref name="region"/>; -1 when there is none.
    /// </summary>
    public long NextFrom(long region)
    {
        if (Count == 0 || region >= capacity)
            return -1;
        long index = region >> 6;
        ulong word = _words[index] & ulong.MaxValue << (int)region;
        while (word == 0)
        {
            if (++index == _words.Length)
                return -1;
            word = _words[index];
        }
        return (index << 6) + BitOperations.TrailingZeroCount(word);
    }

    public void Clear()
    {
        _words = [];
        Count = 0;
    }
}
