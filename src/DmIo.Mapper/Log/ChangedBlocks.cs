using System.Numerics;

namespace DmIo.Mapper;

/// <summary>The blocks of a buffer that have changed since they were last taken.</summary>
internal sealed class ChangedBlocks(int count)
{
    private readonly ulong[] _words = new ulong[(count + 63) >> 6];

    // No changed block lies outside of these words, so that few changes in a long buffer are found at once.
    private int _firstWord = int.MaxValue;
    private int _lastWord = -1;

    public void Add(int block)
    {
        int word = block >> 6;
        _words[word] |= 1UL << block;
        _firstWord = Math.Min(_firstWord, word);
        _lastWord = Math.Max(_lastWord, word);
    }

    public void Add(int first, int count)
    {
        for (int block = first; block < first + count; block++)
            Add(block);
    }

    /// <summary>
    /// Puts the runs of neighbouring changed blocks, in order, in place of what <paramref name="runs"/> held, and
    /// forgets them.
    /// </summary>
    /// <returns>Whether there were any.</returns>
    public bool TryTake(List<(int FirstBlock, int Count)> runs)
    {
        runs.Clear();
        for (int i = _firstWord; i <= _lastWord; i++)
        {
            ulong word = _words[i];
            _words[i] = 0;
            while (word != 0)
            {
                int first = BitOperations.TrailingZeroCount(word);
                int ones = BitOperations.TrailingZeroCount(~(word >> first));
                word = first + ones == 64 ? 0 : word & ulong.MaxValue << (first + ones);
                Append(runs, (i << 6) + first, ones);
            }
        }
        _firstWord = int.MaxValue;
        _lastWord = -1;
        return runs.Count > 0;
    }

    private static void Append(List<(int FirstBlock, int Count)> runs, int first, int count)
    {
        if (runs.Count > 0 && runs[^1] is var last && last.FirstBlock + last.Count == first)
            runs[^1] = (last.FirstBlock, last.Count + count);
        else
            runs.Add((first, count));
    }
}
