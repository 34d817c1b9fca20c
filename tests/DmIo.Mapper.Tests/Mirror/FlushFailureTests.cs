using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class FlushFailureTests
{
    // Goal: a leg that fails a client's flush leaves, and lacks exactly what was written since its last good flush.
    [Test]
    public void A_leg_lacks_what_it_had_not_made_durable()
    {
        MirrorRig rig = Born();
        rig.Write(1 * 1024);
        rig.Do(TestRequest.Flush());
        rig.Write(2 * 1024);
        rig.Write(3 * 1024);
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Does.Contain(" 30/32 1 AD "));
        Assert.That(Lacks(rig, 1), Is.EqualTo("2-3"));
        Assert.That(Lacks(rig, 0), Is.Empty);
    }

    // Goal: a write that ended while the flush was under way is not covered by it.
    [Test]
    public void A_write_beside_the_flush_is_not_covered()
    {
        MirrorRig rig = Born();
        rig.Write(1 * 1024);
        rig.Legs.ForEach(leg => leg.Holds = true);
        TestRequest flush = rig.Submit(TestRequest.Flush());
        rig.Legs.ForEach(leg => leg.Holds = false);
        rig.Write(2 * 1024);
        rig.Legs.ForEach(leg => leg.ReleaseAll());
        rig.Loop.RunUntilIdle();
        Assert.That(flush.Error, Is.EqualTo(Errno.None));
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
        rig.Do(TestRequest.Flush());
        Assert.That(Lacks(rig, 1), Is.EqualTo("2"));
    }

    // Goal: a write that is under way when the leg leaves is lacked too, though the leg takes it.
    [Test]
    public void A_write_under_way_is_lacked()
    {
        MirrorRig rig = Born();
        rig.Write(1 * 1024);
        rig.Legs[0].Holds = true;
        TestRequest write = rig.Submit(Write(5 * 1024, 5));
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
        TestRequest flush = rig.Submit(TestRequest.Flush());
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That((write.Error, flush.Error), Is.EqualTo((Errno.None, Errno.None)));
        Assert.That(Lacks(rig, 1), Is.EqualTo("1, 5"));
    }

    // Goal: what a life that was cut off had acknowledged, and only one leg holds, is not durable while that leg cannot be
    // flushed: a flush does not say that it is.
    [Test]
    public void A_flush_answers_for_what_an_earlier_life_wrote()
    {
        MirrorRig rig = new MirrorRig(log: MirrorRig.DiskLog).With(options => options with { AssumeClean = true })
            .WithMirror(mirror => mirror with { Recovers = false }).Start();
        rig.Legs[1].Fail(new(2048), new(8), Errno.EIO, BlockOperation.Write);
        Assert.That(rig.Write(2048), Is.EqualTo(Errno.None));
        rig.Crash();
        rig.Start();
        rig.Legs[0].FailAll(Errno.EIO, BlockOperation.Flush);
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO));
        rig.Legs[0].Heal();
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
    }

    // Goal: our own flush that fails shows F; the region stays dirty in the log.
    [Test]
    public void Our_own_flush_that_fails_shows_F()
    {
        MirrorRig rig = Born();
        rig.Write(2 * 1024);
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
        rig.Advance(6);
        Assert.That(rig.Status, Does.Contain(" 31/32 1 AF "));
        Assert.That(rig.LogDevice!.Contents()[1024], Is.EqualTo(0xFB));
    }

    // Goal: when no leg can be flushed, that is EIO; each may have lost something else, so they may differ, and are made
    // alike by recovery when they can be flushed again.
    [Test]
    public void When_no_leg_can_be_flushed_they_may_differ()
    {
        MirrorRig rig = Born(recovers: true);
        rig.Write(2 * 1024);
        rig.Legs.ForEach(leg => leg.FailAll(Errno.EIO, BlockOperation.Flush));
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Mirror.Knowledge.MayDiffer.Contains(2));
        Lose(rig, leg: 1, region: 2);
        rig.Legs.ForEach(leg => leg.Heal());
        rig.Advance(30);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
    }

    // Goal: a leg that fails a flush and cannot leave, since it alone holds something, lacks what others made durable: a
    // later flush that succeeds does not bring back what was lost.
    [TestCase(true)]
    [TestCase(false)]
    public void A_leg_that_must_stay_lacks_what_it_may_have_lost(bool byClient)
    {
        MirrorRig rig = Born();
        rig.Legs[1].FailAll();
        rig.Write(7 * 1024, seed: 7);
        rig.Legs[1].Heal();
        rig.Stop();
        rig.Start();
        Assert.That(Lacks(rig, 1), Is.EqualTo("7"));
        rig.Write(2 * 1024, seed: 2);
        rig.Legs[0].FailAll(Errno.EIO, BlockOperation.Flush);
        if (byClient)
            Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None), "leg 1 has made region 2 durable");
        else
            rig.Advance(5.5);
        Lose(rig, leg: 0, region: 2);
        rig.Legs[0].Heal();
        rig.Advance(20);
        Assert.That(rig.LogDevice!.Contents()[1024], Is.EqualTo(0x7B), "regions 2 and 7 are not in sync");
        Assert.That(rig.Read(2 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
        rig.Stop();
        rig.WithMirror(_ => new MirrorOptions()).Start();
        Assert.That(rig.Status, Does.Contain(" 32/32 "));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(2 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
        Assert.That(rig.Read(7 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 7)));
    }

    // Goal: what a client is told to be durable is so on a leg that will be believed: the flush waits for the record that
    // the other has left.
    [TestCase(0)]
    [TestCase(1)]
    public void A_flush_waits_for_the_record(int leaving)
    {
        MirrorRig rig = Born();
        rig.Write(2 * 1024, seed: 2);
        rig.LogDevice!.Holds = true;
        rig.Legs[leaving].FailAll();
        rig.Submit(Write(2 * 1024 + 100, 3));
        Lose(rig, leaving, region: 2);
        TestRequest flush = rig.Submit(TestRequest.Flush());
        Assert.That(flush.IsCompleted, Is.False);
        while (rig.LogDevice.Held.Count > 0)
        {
            rig.LogDevice.ReleaseFirst();
            rig.Loop.RunUntilIdle();
        }
        Assert.That(flush.Error, Is.EqualTo(Errno.None));
        rig.Crash();
        rig.Start();
        Assert.That(rig.Read(2 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    private static MirrorRig Born(bool recovers = false) => new MirrorRig(log: "disk 3 log {0} nosync")
        .WithMirror(_ => new MirrorOptions { Recovers = recovers, RepairsReads = false }).Start();

    private static string Lacks(MirrorRig rig, int leg) => RegionRanges.Describe(rig.Mirror.Knowledge[leg].Lacks);

    // What a disk does that fails a flush: what it had in its cache is gone.
    private static void Lose(MirrorRig rig, int leg, long region) =>
        rig.Legs[leg].Contents(new(region * 1024), new(8)).Clear();

    private static TestRequest Write(long sector, int seed) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed));
}
