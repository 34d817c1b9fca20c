using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class CopyTests
{
    // Goal: holes of the source become holes of the target and are never read; allocated zeroes stay allocated.
    [Test]
    public void Holes_stay_holes()
    {
        MirrorRig rig = Source();
        rig.Legs[1].Contents().Fill(0xEE);
        rig.Legs[0].Contents(new(0), new(20000)).Clear();
        rig.Legs[0].Extents = (start, count) =>
            Pieces(start, count, (10000, ExtentKind.Hole), (20000, ExtentKind.Zero), (32768, ExtentKind.Data));
        rig.Start();
        rig.Loop.RunUntilIdle();
        rig.AssertLegsEqual();
        Assert.That(First(rig.Legs[0], BlockOperation.Read), Is.EqualTo(20000));
        Assert.That(First(rig.Legs[1], BlockOperation.Write), Is.EqualTo(20000));
        ScriptedCall[] zeroes = [.. rig.Legs[1].Log.Where(call => call.Operation == BlockOperation.WriteZeroes)];
        Assert.That(zeroes.Sum(call => call.Count.Count), Is.EqualTo(20000));
        foreach (ScriptedCall call in zeroes)
            Assert.That(call.Flags, Is.EqualTo(call.Start.Count < 10000 ? BlockFlags.None : BlockFlags.NoUnmap));
    }

    // Goal: a bounded number of chunks is in flight, and clients' writes elsewhere are not kept waiting by them.
    [Test]
    public void The_copy_is_bounded_and_lets_others_pass()
    {
        // Every second region is lacked: neighbours would be one run, which one worker copies.
        MirrorRig rig = new MirrorRig().Start();
        rig.Legs[1].FailAll();
        for (long region = 0; region < 32; region += 2)
            rig.Write(region * 1024, seed: (int)region);
        rig.Stop();
        rig.Legs.ForEach(leg => leg.ClearLog());
        rig.Legs[1].Heal();
        rig.Legs[1].Holds = true;
        rig.StartBusy();
        Assert.That(rig.Legs[1].Held.Count, Is.EqualTo(MirrorRecovery.Workers));
        TestRequest inside = rig.Submit(Write(100, 2));
        TestRequest outside = rig.Submit(Write(30100, 3));
        // One waits for its turn.
        Assert.That(rig.Legs[0].Log.Count(call => call.Operation == BlockOperation.Write), Is.EqualTo(1));
        rig.Legs[1].Release(rig.Legs[1].Held.Single(request => request.Start == new Sectors(30100)));
        rig.Loop.RunUntilIdle();
        Assert.That((inside.IsCompleted, outside.IsCompleted), Is.EqualTo((false, true)));
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(inside.Error, Is.EqualTo(Errno.None));
        rig.AssertLegsEqual();
        Assert.That(rig.Legs[0].Contents(new(100), new(8)).SequenceEqual(MirrorRig.Bytes(8, 2)));
    }

    // Goal: a sector that the source cannot read is told once; its region stays out of sync, everything else is copied,
    // the volume serves, and the next start copies again.
    [TestCase(1024)]
    [TestCase(8)]
    [TestCase(32768)]
    public void An_unreadable_source_leaves_the_copy_incomplete(long regionSize)
    {
        MirrorRig rig = Source(regionSize: regionSize);
        rig.Legs[0].Fail(new(5000), new(1), Errno.EIO, BlockOperation.Read);
        rig.Start();
        rig.Loop.RunUntilIdle();
        long regions = 32768 / regionSize;
        long lost = regionSize == 8 ? 256 : regionSize == 1024 ? 2 : 1;
        Assert.That(rig.Status, Is.EqualTo($"0 32768 mirror 2 leg0 leg1 {regions - lost}/{regions} 1 SA 1 core"));
        Assert.That(rig.Log.Of(2009).Single(), Does.Contain($"{lost} regions could not be copied"));
        Assert.That(rig.Log.Of(2003).Single(), Does.Contain("leg 0 leg0 failed: Read at sector 5000: EIO"));
        Assert.That(rig.Write(20000, seed: 3), Is.EqualTo(Errno.None));
        rig.Stop();
        rig.AssertRecorded("in", regionSize == 1024 ? "in 4-5" : regionSize == 8 ? "in 512-767" : "in 0");
        rig.Legs[0].Heal();
        rig.With(options => options with { SyncFrom = null }).Start();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain($" {regions}/{regions} 1 AA "));
        rig.AssertLegsEqual();
    }

    // Goal: a target that fails the copy leaves the set with the kernel's S; other targets are copied to the end.
    [Test]
    public void A_failing_target_leaves()
    {
        MirrorRig rig = Source(legs: 3);
        rig.Legs[1].Fail(new(9000), new(1), Errno.ENOSPC);
        rig.Start();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain(" 1 ASA "));
        Assert.That(rig.Recorded.Select(leg => leg.Split(' ')[0]), Is.EqualTo(new[] { "in", "out", "in" }));
        Assert.That(rig.Legs[0].Contents().SequenceEqual(rig.Legs[2].Contents()));
    }

    // Goal: a target that cannot be flushed has not got the copy: F, and it is stale.
    [Test]
    public void A_target_that_cannot_be_flushed_leaves()
    {
        MirrorRig rig = Source();
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
        rig.Start();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain(" 0/32 1 AF "));
        rig.AssertRecorded("in", "out 0-31");
    }

    // Goal: a write that fails on all legs inside a region that is being copied makes the copy do that region again.
    [Test]
    public void A_torn_write_is_copied_again()
    {
        MirrorRig rig = Source(regionSize: 32768);
        rig.Legs[1].Holds = true;
        rig.StartBusy();
        // What was copied already is torn.
        rig.Legs[1].ReleaseFirst();
        rig.Loop.RunUntilIdle();
        rig.Legs[0].Fail(new(104), new(1), Errno.EIO, BlockOperation.Write);
        rig.Legs[1].Fail(new(102), new(1), Errno.EIO, BlockOperation.Write);
        TestRequest torn = rig.Submit(Write(100, 5));
        foreach (BlockRequest request in rig.Legs[1].Held.Where(request => request.Start == new Sectors(100)).ToArray())
            rig.Legs[1].Release(request);
        rig.Loop.RunUntilIdle();
        Assert.That(torn.Error, Is.EqualTo(Errno.EIO));
        rig.Legs.ForEach(leg => leg.Heal());
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain(" 1/1 1 "));
        rig.AssertLegsEqual();
    }

    private static MirrorRig Source(int legs = 2, long sectors = 32768, long regionSize = 1024)
    {
        MirrorRig rig = new MirrorRig(legs, sectors, regionSize, "core 1 {0}")
            .With(options => options with { SyncFrom = 0 });
        new Random(1).NextBytes(rig.Legs[0].Contents());
        return rig;
    }

    private static long First(ScriptedDevice leg, BlockOperation operation) =>
        leg.Log.Where(call => call.Operation == operation).Min(call => call.Start.Count);

    private static TestRequest Write(long sector, int seed) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed));

    private static List<BlockExtent> Pieces(Sectors start, Sectors count, params (long End, ExtentKind Kind)[] map)
    {
        var extents = new List<BlockExtent>();
        Sectors at = start;
        foreach ((long end, ExtentKind kind) in map)
        {
            Sectors to = Sectors.Min(new Sectors(end), start + count);
            if (to <= at)
                continue;
            extents.Add(new BlockExtent(at, to - at, kind));
            at = to;
        }
        return extents;
    }
}
