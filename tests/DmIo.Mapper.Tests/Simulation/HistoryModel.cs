using System.Runtime.InteropServices;
using static DmIo.Mapper.Tests.HistoryWrite;

namespace DmIo.Mapper.Tests;

/// <summary>
/// What may be read at each sector of a device, given what its client did and was told. A write fills its sectors with
/// its stamp, a 64-bit number of its own; zeroing leaves stamp 0; a discard may or may not zero.
/// <list type="bullet">
/// <item>A read returns, per sector, a change that was submitted before the read completed and is not older than the
/// newest one that was acknowledged before the read was submitted.</item>
/// <item>A change that failed, or was under way when a life ended, may have happened or not: it and what was there before
/// are both allowed, in any order and repeatedly, until something newer is acknowledged.</item>
/// <item>A change is durable when it is acknowledged and had FUA, or when a flush (or a change with preflush) is
/// acknowledged that was submitted after the change's acknowledgement.</item>
/// <item>After <see cref="PowerCut"/> anything is allowed that is not older than the newest durable change. After
/// <see cref="Kill"/> acknowledged changes are still there.</item>
/// <item><see cref="HistorySettling"/>: whether a read after that settles what a sector holds.</item>
/// </list>
/// Call <c>Begin...</c> when a request is submitted, <c>Acknowledge</c>, <c>Fail</c> or <c>Check</c> when it completes, and
/// nothing for what a life's end swallowed. <see cref="HistoryClient"/> does it all for a device.
/// </summary>
internal sealed partial class HistoryModel
{
    private readonly HistorySector[] _sectors;

    public HistoryModel(
        long sectors, HistoryOrder order = HistoryOrder.Submission, HistorySettling settling = HistorySettling.Never)
    {
        Settling = settling;
        _sectors = new HistorySector[sectors];
        for (long i = 0; i < sectors; i++)
            _sectors[i] = new HistorySector(order, settling);
    }

    public long Length => _sectors.Length;

    public HistorySettling Settling { get; }

    /// <summary>The present instant: events so far.</summary>
    public long Now { get; private set; }

    /// <summary>Acknowledged changes that are not durable.</summary>
    public int Volatile => _volatile.Count;

    /// <summary>A write, a write-zeroes or a discard is submitted. A write's data is its stamp (<see cref="Fill"/>).</summary>
    public HistoryWrite BeginChange(BlockOperation kind, long start, long count, BlockFlags flags = BlockFlags.None)
    {
        var write = new HistoryWrite { Kind = kind, Start = start, Count = count, Flags = flags, SubmittedAt = ++Now };
        _underWay.Add(write);
        _recent[write.SubmittedAt % Remembered] = write;
        long oldestRead = OldestRead;
        foreach (HistorySector sector in Range(start, count))
        {
            sector.Prune(oldestRead);
            sector.Add(write);
        }
        return write;
    }

    /// <summary>Fills memory with a write's stamp.</summary>
    public static void Fill(HistoryWrite write, Span<byte> data) =>
        MemoryMarshal.Cast<byte, long>(data).Fill(write.Stamp);

    /// <summary>A change succeeded.</summary>
    public void Acknowledge(HistoryWrite write)
    {
        End(write);
        if ((write.Flags & BlockFlags.Preflush) != 0)
            MakeDurable(write.SubmittedAt, "a preflush");
        // What a discard leaves is not told, so nothing depends on it.
        if (write.Kind == BlockOperation.Discard)
            return;
        write.AcknowledgedAt = Now;
        if ((write.Flags & BlockFlags.Fua) != 0)
            (write.DurableAt, write.Remark) = (Now, "by FUA");
        else if (write.Doubt != HistoryDoubt.None)
            Doubt(write);
        else
            _volatile.Add(write);
    }

    /// <summary>A change failed; one with a preflush is a failed flush too.</summary>
    public void Fail(HistoryWrite write, bool maySpoilReads = false)
    {
        End(write);
        write.Remark = "failed";
        if ((write.Flags & BlockFlags.Preflush) != 0)
            Doubt(maySpoilReads);
    }

    /// <summary>A flush is submitted.</summary>
    public HistoryFlush BeginFlush() => new(++Now);

    /// <summary>A flush succeeded.</summary>
    public void Acknowledge(HistoryFlush flush)
    {
        MustBeOfThisLife(flush.SubmittedAt);
        Now++;
        MakeDurable(flush.SubmittedAt, "a flush");
    }

    /// <summary>
    /// A flush failed. What was acknowledged and is not durable will not be, whatever is flushed later, and what is under
    /// way neither, but for FUA; with <paramref name="maySpoilReads"/> it may also be gone already, as from a page cache.
    /// </summary>
    public void Fail(HistoryFlush flush, bool maySpoilReads)
    {
        MustBeOfThisLife(flush.SubmittedAt);
        Now++;
        Doubt(maySpoilReads);
    }

    /// <summary>A read is submitted.</summary>
    public HistoryRead BeginRead(long start, long count)
    {
        _reads.Add(++Now);
        return new HistoryRead(start, count, Now);
    }

    /// <summary>A read succeeded. Tells what is wrong with the data, or null.</summary>
    public string? Check(in HistoryRead read, ReadOnlySpan<byte> data)
    {
        string? wrong = Find(read, data);
        Fail(read);
        for (int i = 0; wrong is null && _lifeEnd > 0 && i < read.Count; i++)
            _sectors[read.Start + i].Settle(WordsOf(data, i)[0], read.SubmittedAt, Now, _lifeEnd, _powerCut);
        return wrong;
    }

    /// <summary>A read failed.</summary>
    public void Fail(in HistoryRead read)
    {
        MustBeOfThisLife(read.SubmittedAt);
        Now++;
        _reads.Remove(read.SubmittedAt);
    }

    /// <summary>Tells what is wrong with bytes that were read past the device just now, or null. Settles nothing.</summary>
    public string? CheckNow(long start, ReadOnlySpan<byte> data) =>
        Find(new HistoryRead(start, data.Length / Sectors.SizeBytes, ++Now), data);

    /// <summary>Power is cut: what is not durable may be lost, and what is under way never completes.</summary>
    public void PowerCut()
    {
        EndLife("power was cut");
        foreach (HistoryWrite write in _volatile.Concat(_doubtful))
        {
            write.Remark = $"acknowledged at {write.AcknowledgedAt}, power was cut at {Now}";
            write.AcknowledgedAt = NotYet;
        }
        _volatile.Clear();
        _doubtful.Clear();
        EndSectors(powerCut: true);
    }

    /// <summary>The program ends without a word: what is under way never completes, what was acknowledged is kept.</summary>
    public void Kill()
    {
        EndLife("the program was killed");
        EndSectors(powerCut: false);
    }
}
