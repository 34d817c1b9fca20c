using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class RecoveryTests
{
    private const string Disk = "disk 3 log {0} nosync";
    private const string Core = "core 2 {0} nosync";

    // Goal: a leg that answers again returns by itself, is copied what it lacks and nothing else, and is alive again.
    [TestCase(Disk, 0)]
    [TestCase(Disk, 1)]
    [TestCase(Core, 1)]
    public void A_leg_that_answers_again_returns(string log, int leg)
    {
        MirrorRig rig = Degraded(log, leg, regions: [3, 4, 9]);
        rig.Legs[leg].Heal();
        rig.Legs[leg].ClearLog();
        rig.Advance(5);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
        Assert.That(CopiedRegions(rig.Legs[leg]), Is.EqualTo(new long[] { 3, 4, 9 }));
        Assert.That(rig.Log.Of(2016).Single(), Does.Contain("it lacks 3 regions"));
        Assert.That(rig.Log.Of(2008).Single(), Does.Contain($"leg {leg} leg{leg} is in sync"));
        Assert.That(rig.Legs[leg].Log[^1].Operation, Is.EqualTo(BlockOperation.Flush), "what counts was flushed");
        rig.Stop();
        rig.Log.Clear();
        rig.Start();
        Assert.That(rig.Log.Of(2006), Is.Empty, "and that is recorded");
    }

    // Goal: a leg that does not answer is looked at less and less often, and never longer than the limit apart.
    [Test]
    public void A_dead_leg_is_looked_at_less_and_less_often()
    {
        MirrorRig rig = new MirrorRig(log: Disk).WithMirror(mirror => mirror with
        {
            ProbeLimit = TimeSpan.FromSeconds(8),
        }).Start();
        rig.Legs[1].FailAll();
        rig.Write(0);
        var looks = new List<int>();
        rig.Legs[1].ClearLog();
        for (int second = 1; second <= 40; second++)
        {
            rig.Advance(1);
            if (rig.Legs[1].Log.Count > 0)
                looks.Add(second);
            rig.Legs[1].ClearLog();
        }
        Assert.That(looks, Is.EqualTo(new[] { 1, 3, 7, 15, 23, 31, 39 }));
        Assert.That(rig.Log.Of(2002).Count(), Is.EqualTo(1), "told once");
    }

    // Goal: a leg that reads and flushes but does not take what it lacks has not come back.
    [Test]
    public void A_leg_that_cannot_be_written_stays_out()
    {
        MirrorRig rig = Degraded(Disk, 1, regions: [3]);
        rig.Legs[1].Heal();
        rig.Legs[1].FailAll(Errno.ENOSPC, BlockOperation.Write);
        rig.Advance(30);
        Assert.That(rig.Log.Of(2016), Is.Empty);
        Assert.That(rig.Status, Does.Contain(" 31/32 1 AD "));
    }

    // Goal: with recovery off a leg that left is never looked at.
    [Test]
    public void Without_recovery_nothing_is_looked_at()
    {
        MirrorRig rig = new MirrorRig(log: Disk).WithMirror(mirror => mirror with { Recovers = false }).Start();
        rig.Legs[1].FailAll();
        rig.Write(0);
        rig.Legs[1].Heal();
        rig.Legs[1].ClearLog();
        rig.Advance(1000);
        Assert.That(rig.Legs[1].Log, Is.Empty);
    }

    // Goal: stopped in the middle, cleanly or not, recovery goes on where it was: what was copied is not copied again.
    [TestCase(true)]
    [TestCase(false)]
    public void Recovery_goes_on_where_it_was(bool clean)
    {
        MirrorRig rig = Degraded(Disk, 1, regions: [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
        rig.Legs[1].Heal();
        rig.WithMirror(mirror => mirror with { RecoveryRateBytes = 512 << 10 });
        rig.Stop();
        rig.Start();
        // One region of 512 KiB a second, and each is marked clean when it was idle for five.
        rig.Advance(7.5);
        LegSet legs = rig.Mirror.Knowledge;
        long left = legs[1].Lacks.Count;
        Assert.That(left, Is.InRange(1, 5));
        if (clean)
        {
            Task stopped = rig.Device.StopAsync();
            rig.Advance(10);
            rig.Loop.Finish(stopped);
            rig.Loop.Run(rig.Device.DisposeAsync);
            left = legs[1].Lacks.Count;
        }
        else
        {
            rig.Crash();
        }
        rig.Legs[1].ClearLog();
        rig.WithMirror(mirror => mirror with { RecoveryRateBytes = 0 }).Start();
        rig.Advance(5);
        Assert.That(rig.Status, Does.Contain(" 32/32 "));
        rig.AssertLegsEqual();
        Assert.That(CopiedRegions(rig.Legs[1]).Length, Is.LessThan(10));
        if (clean)
            Assert.That(CopiedRegions(rig.Legs[1]).Length, Is.EqualTo(left));
    }

    // Goal: recovery keeps to its rate.
    [Test]
    public void Recovery_keeps_to_its_rate()
    {
        MirrorRig rig = Degraded(Disk, 1, regions: [.. Enumerable.Range(0, 32).Select(i => (long)i)]);
        rig.Legs[1].Heal();
        rig.Stop();
        rig.WithMirror(mirror => mirror with { RecoveryRateBytes = 1 << 20 }).Start();
        // 16 MiB.
        rig.Legs[1].ClearLog();
        rig.Advance(8);
        Assert.That(CopiedRegions(rig.Legs[1]).Length, Is.InRange(14, 20));
        Assert.That(rig.Mirror.Progress, Is.Not.Null);
        rig.Advance(10);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        Assert.That(rig.Mirror.Progress, Is.Null);
    }

    // Goal: while clients are at work it keeps to the other rate.
    [Test]
    public void Recovery_gives_way_to_clients()
    {
        MirrorRig rig = Degraded(Disk, 1, regions: [.. Enumerable.Range(0, 32).Select(i => (long)i)]);
        rig.Legs[1].Heal();
        rig.Stop();
        rig.WithMirror(mirror => mirror with { RecoveryBusyRateBytes = 1 << 20 });
        rig.Advance(1);
        rig.Legs[1].ClearLog();
        rig.Legs[1].Holds = true;
        rig.StartBusy();
        rig.Read(0);
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        for (int i = 0; i < 80; i++)
        {
            rig.Advance(0.05);
            rig.Read(0);
        }
        Assert.That(CopiedRegions(rig.Legs[1]).Length, Is.InRange(4, 14), "four seconds");
        rig.Advance(2);
        Assert.That(rig.Status, Does.Contain(" 32/32 "));
    }

    // Goal: a leg that leaves and returns while a region is being copied is not believed to hold what it missed.
    [Test]
    public void A_leg_that_leaves_and_returns_meanwhile_lacks_what_it_missed()
    {
        MirrorRig rig = Degraded(Disk, 1, regions: [0]);
        rig.With(options => options with { CopyChunk = new Sectors(256) });
        rig.Stop();
        rig.Legs[1].Heal();
        rig.Legs[0].Holds = true;
        rig.StartBusy();
        // The first quarter of the region is copied, the second is being read.
        rig.Legs[0].ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Legs[0].Held.Single().Start, Is.EqualTo(new Sectors(256)));
        rig.Legs[1].FailAll();
        TestRequest write = rig.Submit(Write(20 * 1024, 20));
        rig.Legs[0].Release(rig.Legs[0].Held[^1]);
        rig.Loop.RunUntilIdle();
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Does.Contain(" 1 AD "));
        TestRequest missed = rig.Submit(Write(8, 8));
        rig.Legs[0].Release(rig.Legs[0].Held[^1]);
        rig.Loop.RunUntilIdle();
        Assert.That(missed.Error, Is.EqualTo(Errno.None));
        rig.Legs[1].Heal();
        rig.Loop.Time.Advance(TimeSpan.FromSeconds(2));
        foreach (BlockRequest probe in rig.Legs[0].Held.Skip(1).ToArray())
            rig.Legs[0].Release(probe);
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Log.Of(2016), Is.Not.Empty, "it is back while the second quarter is still being read");
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Advance(10);
        Assert.That(rig.Status, Does.Contain(" 32/32 "));
        rig.AssertLegsEqual();
        Assert.That(rig.Legs[1].Contents(new(8), new(8)).SequenceEqual(MirrorRig.Bytes(8, 8)));
    }

    // Goal: legs that lack different regions are copied to from each other; none is dropped as the last that holds some.
    [Test]
    public void Legs_help_each_other()
    {
        MirrorRig rig = Degraded(Disk, 0, regions: [3]);
        rig.Stop();
        rig.Legs[0].Heal();
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Write);
        Assert.That(rig.Write(9 * 1024, seed: 9), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Does.Contain(" 30/32 "));
        rig.Stop();
        rig.Legs[1].Heal();
        rig.WithMirror(_ => new MirrorOptions()).Start();
        rig.Advance(5);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(9 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 9)));
        Assert.That(rig.Read(3 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 3)));
    }

    // Goal: what recovery cannot copy it tries again later, at leisure.
    [Test]
    public void What_cannot_be_copied_is_tried_again()
    {
        MirrorRig rig = Degraded(Disk, 1, regions: [3, 20]);
        rig.Legs[1].Heal();
        rig.Legs[0].Fail(new(3 * 1024 + 100), new(1), Errno.EIO, BlockOperation.Read);
        rig.Advance(10);
        Assert.That(rig.Status, Does.Contain(" 31/32 1 SD "));
        Assert.That(rig.Legs[0].Log.Count, Is.LessThan(60), "now and then");
        rig.Legs[0].Heal();
        rig.Advance(10);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
    }

    // Regions hold their number as the seed, and the leg lacks them.
    private static MirrorRig Degraded(string log, int leg, long[] regions)
    {
        MirrorRig rig = new MirrorRig(log: log).Start();
        rig.Legs[leg].FailAll();
        foreach (long region in regions)
            Assert.That(rig.Write(region * 1024, seed: (int)region), Is.EqualTo(Errno.None));
        return rig;
    }

    private static long[] CopiedRegions(ScriptedDevice leg) =>
    [
        .. leg.Log.Where(call => call.Operation == BlockOperation.Write)
            .SelectMany(call => Enumerable.Range(
                (int)(call.Start.Count / 1024), (int)((call.Count.Count + 1023) / 1024)).Select(region => (long)region))
            .Distinct().Order(),
    ];

    private static TestRequest Write(long sector, int seed) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed));
}
