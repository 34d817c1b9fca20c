using System.Runtime.InteropServices;

namespace DmIo.Mapper.Tests;

// What the model keeps, and the search for what is wrong.
internal sealed partial class HistoryModel
{
    // Arbitrary: how many changes a message can still tell something about.
    private const int Remembered = 1 << 14;

    private readonly HistoryWrite?[] _recent = new HistoryWrite?[Remembered];
    private readonly HashSet<HistoryWrite> _underWay = [];

    // Acknowledged, in that order, and not durable: what the next flush covers, and what it no longer does.
    private readonly List<HistoryWrite> _volatile = [];
    private readonly List<HistoryWrite> _doubtful = [];

    // The submissions of the reads under way, in that order.
    private readonly List<long> _reads = [];
    private long _lifeEnd;
    private bool _powerCut;

    private long OldestRead => _reads.Count > 0 ? _reads[0] : Now;

    private Span<HistorySector> Range(long start, long count) => _sectors.AsSpan((int)start, (int)count);

    private void End(HistoryWrite write)
    {
        if (!_underWay.Remove(write))
            throw new InvalidOperationException($"The change is not under way: {write}");
        write.EndedAt = ++Now;
    }

    private void MustBeOfThisLife(long submittedAt)
    {
        if (submittedAt <= _lifeEnd)
            throw new InvalidOperationException($"What was submitted at {submittedAt} ended with its life at {_lifeEnd}.");
    }

    private void MakeDurable(long submittedAt, string how)
    {
        int covered = 0;
        while (covered < _volatile.Count && _volatile[covered].AcknowledgedAt < submittedAt)
        {
            HistoryWrite write = _volatile[covered++];
            (write.DurableAt, write.Remark) = (Now, $"by {how} submitted at {submittedAt}");
        }
        _volatile.RemoveRange(0, covered);
    }

    // What a flush that failed did to what it was to make durable.
    private void Doubt(bool maySpoilReads)
    {
        HistoryDoubt doubt = maySpoilReads ? HistoryDoubt.MayBeGone : HistoryDoubt.NeverDurable;
        foreach (HistoryWrite write in _underWay)
            write.Doubt = (HistoryDoubt)Math.Max((int)write.Doubt, (int)doubt);
        foreach (HistoryWrite write in _volatile)
        {
            write.Doubt = doubt;
            Doubt(write);
        }
        _volatile.Clear();
    }

    private void Doubt(HistoryWrite write)
    {
        write.Remark = $"acknowledged at {write.AcknowledgedAt}, a flush failed before {Now}";
        if (write.Doubt == HistoryDoubt.MayBeGone)
            write.AcknowledgedAt = HistoryWrite.NotYet;
        else
            _doubtful.Add(write);
    }

    private void EndLife(string how)
    {
        _lifeEnd = ++Now;
        foreach (HistoryWrite write in _underWay)
            (write.EndedAt, write.Remark) = (Now, $"under way when {how}");
        _underWay.Clear();
        _reads.Clear();
    }

    private void EndSectors(bool powerCut)
    {
        _powerCut = powerCut;
        foreach (HistorySector sector in _sectors)
            sector.EndLife(Now, powerCut);
    }

    private static ReadOnlySpan<long> WordsOf(ReadOnlySpan<byte> data, int sector) =>
        MemoryMarshal.Cast<byte, long>(data.Slice(sector * Sectors.SizeBytes, Sectors.SizeBytes));

    private string? Find(in HistoryRead read, ReadOnlySpan<byte> data)
    {
        for (int i = 0; i < read.Count; i++)
        {
            ReadOnlySpan<long> words = WordsOf(data, i);
            HistorySector sector = _sectors[read.Start + i];
            int other = words.IndexOfAnyExcept(words[0]);
            if (other < 0 && sector.Allows(words[0], read.SubmittedAt))
                continue;
            string seen = other < 0
                ? Describe(words[0], read.Start + i)
                : $"no single stamp: {words[0]}, and {words[other]} from byte {other * sizeof(long)} on";
            return $"sector {read.Start + i}, read of {read.Start}+{read.Count} submitted at {read.SubmittedAt}, "
                + $"completed at {Now}, holds\n    {seen}\n  {sector.Explain(read.SubmittedAt)}";
        }
        return null;
    }

    private string Describe(long stamp, long sector)
    {
        if (stamp == 0)
            return "0, zeroes";
        if (stamp < 0 || stamp > Now)
            return $"0x{stamp:x}, which is no stamp";
        if (_recent[stamp % Remembered] is not { } write || write.SubmittedAt != stamp)
            return $"{stamp}, which is forgotten or was never written";
        bool here = sector >= write.Start && sector < write.Start + write.Count;
        return here ? $"{write}" : $"{write}, which is not for this sector";
    }
}
