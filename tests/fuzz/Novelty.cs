namespace DmIo.Fuzz;

/// <summary>What has been seen to happen, over all jobs.</summary>
internal sealed class Novelty
{
    private readonly HashSet<long> _seen = [];
    private readonly bool[] _blocks = new bool[Coverage.MaxBlocks];

    /// <summary>How many blocks have run.</summary>
    public int Blocks => _blocks.Count(isSeen => isSeen);

    /// <summary>How many things that are not blocks have been seen: kinds of requests with kinds of answers.</summary>
    public int Answers { get; private set; }

    public bool HasSeen(int block) => _blocks[block];

    /// <summary>What a case did: each block with how often it ran, roughly, and what was answered.</summary>
    public static List<long> Describe(byte[] hits, IEnumerable<uint> answers)
    {
        var what = new List<long>();
        for (int block = 0; block < hits.Length; block++)
        {
            if (hits[block] > 0)
                what.Add((long)block << 2 | Often(hits[block]));
        }
        what.AddRange(answers.Select(answer => 1L << 40 | answer));
        return what;
    }

    /// <summary>Takes note of what a case did.</summary>
    /// <returns>Whether any of it is new.</returns>
    public bool Add(List<long> what)
    {
        bool isNew = false;
        foreach (long one in what)
        {
            if (!_seen.Add(one))
                continue;
            isNew = true;
            if (one < 1L << 40)
                _blocks[one >> 2] = true;
            else
                Answers++;
        }
        return isNew;
    }

    private static long Often(byte hits) => hits switch { 1 => 0, < 4 => 1, < 32 => 2, _ => 3 };
}
