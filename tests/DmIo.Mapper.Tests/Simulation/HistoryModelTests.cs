using System.Runtime.InteropServices;

namespace DmIo.Mapper.Tests;

public sealed class HistoryModelTests
{
    private HistoryModel _model = null!;

    [SetUp]
    public void MakeModel() => _model = new HistoryModel(4);

    // Goal: the newest acknowledged write is what is read, and what it superseded is a stale read.
    [Test]
    public void An_acknowledged_write_supersedes_the_older()
    {
        HistoryWrite first = Acknowledged();
        HistoryWrite second = Acknowledged();
        AssertReads(second);
        Assert.That(Read(first), Does.StartWith("sector 0, read of 0+1").And.Contains($"holds\n    {first}")
            .And.Contains($"nothing older than {second}"));
        Assert.That(Read(null), Is.Not.Null, "zeroes were there before");
    }

    // Goal: a read that is concurrent with a write may return either, also when the write completes before the read.
    [Test]
    public void A_concurrent_read_returns_either()
    {
        HistoryWrite first = Acknowledged(BlockFlags.Fua);
        HistoryRead[] reads = [_model.BeginRead(0, 1), _model.BeginRead(0, 1)];
        HistoryWrite second = Begin();
        _model.Acknowledge(second);
        _model.Acknowledge(_model.BeginFlush());
        Begin(); // Forgets what no read under way may return.
        Assert.That(_model.Check(reads[0], Sector(first)), Is.Null);
        Assert.That(_model.Check(reads[1], Sector(second)), Is.Null);
        Assert.That(Read(first), Is.Not.Null, "the next read began after the acknowledgement");
    }

    // Goal: of two writes under way at once the one that was submitted later wins where changes take turns, either on a
    // bare disk.
    [Test]
    public void Overlapping_writes_are_ordered_as_the_device_orders_them([Values] HistoryOrder order)
    {
        _model = new HistoryModel(4, order);
        HistoryWrite first = Begin();
        HistoryWrite second = Begin();
        _model.Acknowledge(second);
        _model.Acknowledge(first);
        AssertReads(second);
        Assert.That(Read(first) is null, Is.EqualTo(order == HistoryOrder.Any));
    }

    // Goal: a failed write may have happened or not, until something newer is acknowledged.
    [Test]
    public void A_failed_write_may_have_happened()
    {
        HistoryWrite before = Acknowledged();
        HistoryWrite failed = Begin();
        _model.Fail(failed);
        AssertReads(before, failed, before);
        HistoryWrite after = Acknowledged();
        AssertReads(after);
        Assert.That(Read(failed), Does.Contain("ended at").And.Contains("failed"), "it does not come back");
    }

    // Goal: after a cut anything is allowed that is not older than what a flush or FUA made durable; losing that, or
    // reading what came before, is found.
    [Test]
    public void A_cut_loses_only_what_is_not_durable([Values] bool fua)
    {
        HistoryWrite old = Acknowledged();
        HistoryWrite durable = Acknowledged(fua ? BlockFlags.Fua : BlockFlags.None);
        if (!fua)
            _model.Acknowledge(_model.BeginFlush());
        HistoryWrite cached = Acknowledged();
        HistoryWrite underWay = Begin();
        _model.PowerCut();
        AssertReads(durable, cached, underWay, durable);
        Assert.That(Read(null), Does.Contain($"durable at {durable.DurableAt}"), "a durable write is lost");
        Assert.That(Read(old), Does.Contain($"{old}"), "an older one is back");
    }

    // Goal: only a flush that was submitted after a write's acknowledgement makes it durable, and only when it succeeds.
    [Test]
    public void A_flush_covers_what_was_acknowledged_before_it_was_submitted()
    {
        HistoryWrite before = Acknowledged();
        HistoryWrite during = Begin();
        HistoryFlush flush = _model.BeginFlush();
        _model.Acknowledge(during);
        _model.Acknowledge(flush);
        Assert.That(_model.Volatile, Is.EqualTo(1));
        HistoryWrite after = Acknowledged();
        _model.BeginFlush();
        _model.PowerCut();
        AssertReads(before, during, after);
        Assert.That(Read(null), Is.Not.Null);
    }

    // Goal: what a failed flush was to cover is not made durable by the next one; it is still read until a cut, unless
    // the device is one that forgets.
    [Test]
    public void A_failed_flush_ends_the_hope_of_durability([Values] bool maySpoilReads)
    {
        HistoryWrite doubtful = Acknowledged();
        HistoryWrite underWay = Begin(1);
        _model.Fail(_model.BeginFlush(), maySpoilReads);
        _model.Acknowledge(underWay);
        _model.Acknowledge(_model.BeginFlush());
        Assert.That(Read(null) is null, Is.EqualTo(maySpoilReads));
        Assert.That(Read(null, 1) is null, Is.EqualTo(maySpoilReads));
        AssertReads(doubtful);
        _model.PowerCut();
        AssertReads(doubtful, null, doubtful);
        Assert.That(Read(null, 1), Is.Null);
    }

    // Goal: a preflush that succeeds is a flush, one that fails is a failed flush.
    [Test]
    public void A_preflush_counts_as_a_flush([Values] bool succeeds)
    {
        Acknowledged();
        HistoryWrite preflush = Begin(1, BlockFlags.Preflush);
        if (succeeds)
            _model.Acknowledge(preflush);
        else
            _model.Fail(preflush);
        _model.Acknowledge(_model.BeginFlush());
        _model.PowerCut();
        Assert.That(Read(null) is null, Is.Not.EqualTo(succeeds));
    }

    // Goal: a kill loses nothing that was acknowledged; what was under way may have happened.
    [Test]
    public void A_kill_loses_nothing_acknowledged()
    {
        HistoryWrite acknowledged = Acknowledged();
        HistoryWrite underWay = Begin();
        _model.Kill();
        AssertReads(acknowledged, underWay);
        Assert.That(Read(null), Is.Not.Null);
        _model.Acknowledge(_model.BeginFlush());
        _model.PowerCut();
        Assert.That(Read(null), Is.Not.Null, "the next life's flush covers it");
    }

    // Goal: where reads settle, what was read after a cut is what is read later, also after another cut, and a new write
    // is free to come.
    [Test]
    public void A_read_after_a_cut_settles([Values] HistorySettling settling)
    {
        _model = new HistoryModel(4, settling: settling);
        HistoryWrite first = Begin();
        HistoryWrite second = Begin();
        HistoryWrite third = Begin();
        _model.PowerCut();
        AssertReads(second);
        for (int cut = 0; cut < 2; cut++)
        {
            Assert.That(_model.CheckNow(0, Sector(first)) is null, Is.EqualTo(settling == HistorySettling.Never));
            Assert.That(_model.CheckNow(0, Sector(third)) is null, Is.Not.EqualTo(settling == HistorySettling.Exactly));
            AssertReads(second, Begin());
            _model.PowerCut();
        }
    }

    // Goal: what a read settles after a kill may be cached: the next cut may lose it.
    [Test]
    public void What_settles_after_a_kill_is_not_durable()
    {
        _model = new HistoryModel(4, settling: HistorySettling.Exactly);
        HistoryWrite underWay = Begin();
        _model.Kill();
        AssertReads(underWay);
        Assert.That(Read(null), Is.Not.Null);
        _model.Kill();
        Assert.That(Read(null), Is.Not.Null);
        _model.PowerCut();
        AssertReads((HistoryWrite?)null);
    }

    // Goal: write-zeroes is a write of zeroes; a discard leaves zeroes or what was there.
    [Test]
    public void Zeroing_leaves_zeroes_and_discarding_perhaps()
    {
        HistoryWrite write = Acknowledged();
        _model.Acknowledge(_model.BeginChange(BlockOperation.Discard, 0, 1, BlockFlags.None));
        AssertReads(write, null, write);
        _model.Acknowledge(_model.BeginChange(BlockOperation.WriteZeroes, 0, 1, BlockFlags.None));
        AssertReads((HistoryWrite?)null);
        Assert.That(Read(write), Is.Not.Null);
    }

    // Goal: torn sectors, memory that a read left alone, and other sectors' values are told for what they are.
    [Test]
    public void Values_that_belong_nowhere_are_told()
    {
        HistoryWrite write = Acknowledged();
        byte[] torn = Sector(write);
        torn.AsSpan(256).Clear();
        Assert.That(_model.CheckNow(0, torn), Does.Contain($"no single stamp: {write.Stamp}, and 0 from byte 256 on"));
        torn.AsSpan().Fill(0xEE);
        Assert.That(_model.CheckNow(0, torn), Does.Contain("0xeeeeeeeeeeeeeeee, which is no stamp"));
        Assert.That(_model.CheckNow(1, Sector(write)), Does.Contain("which is not for this sector"));
    }

    // Goal: what a life's end swallowed is not told as completed.
    [Test]
    public void What_ended_with_its_life_does_not_complete()
    {
        HistoryWrite write = Begin();
        HistoryFlush flush = _model.BeginFlush();
        HistoryRead read = _model.BeginRead(0, 1);
        _model.PowerCut();
        Assert.That(() => _model.Acknowledge(write), Throws.InvalidOperationException);
        Assert.That(() => _model.Acknowledge(flush), Throws.InvalidOperationException);
        Assert.That(() => _model.Fail(read), Throws.InvalidOperationException);
    }

    private HistoryWrite Begin(long sector = 0, BlockFlags flags = BlockFlags.None) =>
        _model.BeginChange(BlockOperation.Write, sector, 1, flags);

    private HistoryWrite Acknowledged(BlockFlags flags = BlockFlags.None)
    {
        HistoryWrite write = Begin(0, flags);
        _model.Acknowledge(write);
        return write;
    }

    private void AssertReads(params HistoryWrite?[] writes)
    {
        foreach (HistoryWrite? write in writes)
            Assert.That(Read(write), Is.Null);
    }

    // Reads a write's value, or zeroes; tells what the model has against it.
    private string? Read(HistoryWrite? write, long sector = 0) => _model.Check(_model.BeginRead(sector, 1), Sector(write));

    private static byte[] Sector(HistoryWrite? write)
    {
        byte[] data = new byte[Sectors.SizeBytes];
        MemoryMarshal.Cast<byte, long>(data.AsSpan()).Fill(write?.Stamp ?? 0);
        return data;
    }
}
