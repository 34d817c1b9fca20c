namespace DmIo.Nbd.Tests;

/// <summary>
/// What an export must hold by what was sent and acknowledged. Where nobody can say (requests that overlapped in time, a
/// TRIM, a change that failed or whose client has gone), anything may be read.
/// </summary>
internal sealed class FuzzContent(int sizeBytes)
{
    private readonly byte[] _bytes = new byte[sizeBytes];
    private readonly List<FuzzChange> _changes = [];
    private readonly FuzzRanges _unknown = new();
    private readonly FuzzRanges _lost = new();
    private long _now;

    /// <summary>Begins with known bytes.</summary>
    public void Begin(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_bytes);
        _changes.Clear();
        _unknown.Clear();
        _lost.Clear();
        _now = 0;
    }

    /// <summary>The time of something that happens now.</summary>
    public long Tick() => ++_now;

    /// <summary>A change was sent.</summary>
    public FuzzChange Sent(object client, long from, long to, ReadOnlyMemory<byte>? data, bool isWrite)
    {
        var change = new FuzzChange(client, Tick(), from, to, data) { IsWrite = isWrite };
        _changes.Add(change);
        return change;
    }

    /// <summary>It was answered that nothing was done.</summary>
    public void Refused(FuzzChange change) => _changes.Remove(change);

    /// <summary>Nobody will answer it.</summary>
    public void Lost(FuzzChange change)
    {
        _lost.Add(change.From, change.To);
        change.AnsweredAt = Tick();
    }

    /// <summary>It was answered.</summary>
    public void Answered(FuzzChange change, bool hasSucceeded)
    {
        FuzzRanges range = FuzzRanges.Of(change.From, change.To);
        var unknown = new FuzzRanges();
        foreach (FuzzChange other in _changes)
        {
            if (other == change || !other.Overlaps(change.From, change.To) || other.AnsweredAt < change.SentAt)
                continue;
            bool isOrdered = other.Client == change.Client && other.IsWrite && change.IsWrite;
            if (!isOrdered)
                unknown.Add(Math.Max(other.From, change.From), Math.Min(other.To, change.To));
            else if (other.SentAt > change.SentAt && other.AnsweredAt != long.MaxValue)
                range.Remove(other.From, other.To);
        }
        change.AnsweredAt = Tick();
        if (!hasSucceeded || change.Data is not { } data)
        {
            _unknown.Add(range);
        }
        else
        {
            foreach ((long from, long to) in range.All)
            {
                data.Span[(int)(from - change.From)..(int)(to - change.From)].CopyTo(_bytes.AsSpan((int)from));
                _unknown.Remove(from, to);
            }
        }
        _unknown.Add(unknown);
    }

    /// <summary>The first byte of what was read that cannot be; -1 when there is none.</summary>
    /// <param name="at">Where it was read.</param>
    /// <param name="read">What was read.</param>
    /// <param name="sentAt">When the read was sent.</param>
    public long FindWrong(long at, ReadOnlySpan<byte> read, long sentAt)
    {
        foreach ((long from, long to) in Known(at, at + read.Length, sentAt).All)
        {
            int same = read[(int)(from - at)..(int)(to - at)].CommonPrefixLength(_bytes.AsSpan((int)from));
            if (same < to - from)
                return from + same;
        }
        return -1;
    }

    /// <summary>The first byte of a range that is known not to be zero; -1 when there is none.</summary>
    public long FindNonZero(long from, long to, long sentAt)
    {
        foreach ((long first, long end) in Known(from, to, sentAt).All)
        {
            int at = _bytes.AsSpan((int)first, (int)(end - first)).IndexOfAnyExcept((byte)0);
            if (at >= 0)
                return first + at;
        }
        return -1;
    }

    private FuzzRanges Known(long from, long to, long sentAt)
    {
        FuzzRanges known = FuzzRanges.Of(from, to);
        known.Remove(_unknown);
        known.Remove(_lost);
        foreach (FuzzChange change in _changes)
        {
            if (change.AnsweredAt > sentAt)
                known.Remove(change.From, change.To);
        }
        return known;
    }
}
