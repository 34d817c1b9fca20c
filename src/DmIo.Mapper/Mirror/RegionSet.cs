using System.Numerics;
using System.Runtime.InteropServices;

namespace DmIo.Mapper;

/// <summary>A set of regions: one bit each, no memory while it is empty.</summary>
internal sealed class RegionSet(long capacity)
{
    private ulong[] _words = [];

    /// <summary>How many regions are in the set.</summary>
    public long Count { get; private set; }

    /// <summary>The set as bits, region r at bit r; empty while the set is.</summary>
    public ReadOnlySpan<ulong> Words => _words;

    public bool Contains(long region) => _words.Length > 0 && (_words[region >> 6] >> (int)region & 1) != 0;

    /// <summary>Whether any region from the first to the last is in the set.</summary>
    public bool ContainsAny(long first, long last) => NextFrom(first) is var next && next >= 0 && next <= last;

    /// <returns>False when it was there already.</returns>
    public bool Add(long region)
    {
        ulong bit = 1UL << (int)region;
        ref ulong word = ref Allocated()[region >> 6];
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

    /// <summary>Adds every region.</summary>
    public void Fill()
    {
        Array.Fill(Allocated(), ulong.MaxValue);
        Trim();
    }

    /// <summary>Adds the regions of another set.</summary>
    public void UnionWith(RegionSet other) => Combine(other.Words, (mine, theirs) => mine | theirs);

    /// <summary>Leaves only the regions that are in another set too.</summary>
    public void IntersectWith(RegionSet other)
    {
        if (Count > 0 && other.Count == 0)
            Clear();
        else
            Combine(other.Words, (mine, theirs) => mine & theirs);
    }

    /// <summary>Takes the regions of another set out.</summary>
    public void ExceptWith(RegionSet other) => Combine(other.Words, (mine, theirs) => mine & ~theirs);

    /// <summary>Takes over bits as they are stored, region r at bit r % 8 of byte r / 8.</summary>
    public void Load(ReadOnlySpan<byte> bits)
    {
        Span<byte> words = MemoryMarshal.AsBytes(Allocated().AsSpan());
        words.Clear();
        bits[..Math.Min(bits.Length, words.Length)].CopyTo(words);
        Trim();
    }

    /// <summary>Whether it has the same regions as another set.</summary>
    public bool SetEquals(RegionSet other) =>
        Count == other.Count && (Count == 0 || _words.AsSpan().SequenceEqual(other._words));

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

    private ulong[] Allocated()
    {
        if (_words.Length == 0)
            _words = new ulong[(capacity + 63) >> 6];
        return _words;
    }

    private void Combine(ReadOnlySpan<ulong> other, Func<ulong, ulong, ulong> combine)
    {
        if (other.Length == 0)
            return;
        ulong[] words = Allocated();
        for (int i = 0; i < words.Length; i++)
            words[i] = combine(words[i], other[i]);
        Trim();
    }

    // Clears what lies behind the last region, counts, and gives the memory of an empty set back.
    private void Trim()
    {
        if ((capacity & 63) != 0)
            _words[^1] &= ulong.MaxValue >> -(int)capacity;
        Count = 0;
        foreach (ulong word in _words)
            Count += BitOperations.PopCount(word);
        if (Count == 0)
            _words = [];
    }
}
