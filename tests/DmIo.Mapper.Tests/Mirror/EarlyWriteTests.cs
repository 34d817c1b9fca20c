using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class EarlyWriteTests
{
    private const long Region = 2 * 1024;

    // Goal: when it cannot be recorded that a leg that stays in the set lacks a write that was answered early, no flush
    // succeeds, until it is recorded.
    [Test]
    public void A_flush_fails_as_long_as_it_is_not_recorded_who_lacks_such_a_write()
    {
        var rig = new MirrorRig(log: "disk 3 log {0} nosync");
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Legs[0].FailAll();
        rig.Write(4 * 1024);
        rig.Stop();
        rig.Legs[0].Heal();
        rig.WithMirror(_ => new MirrorOptions { WriteQuorum = 1, Recovers = false, CleanAfter = TimeSpan.FromHours(1) }).Start();
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(0b11), "leg 1 alone holds region 4");
        rig.Write(9 * 1024);
        rig.Legs[1].Holds = true;
        Assert.That(rig.Write(9 * 1024, seed: 2), Is.EqualTo(Errno.None), "leg 0 has it");
        rig.LogDevice!.FailAll();
        rig.Legs[1].Holds = false;
        rig.Legs[1].FailAll();
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Legs[1].Heal();
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(0b11), "it stays");
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO), "and again");
        rig.LogDevice.Heal();
        rig.Advance(60);
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        Assert.That(rig.Read(9 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: a write that was answered before all legs had it can be read while any leg holds it: a leg that fails stays if it
    // alone does, though another that lacks the region has that write too.
    [Test]
    public void The_leg_that_alone_serves_an_early_write_stays()
    {
        MirrorRig rig = new MirrorRig(3, log: "disk 3 log {0} nosync")
            .With(options => options with { CopyChunk = new Sectors(512) })
            .WithMirror(_ => new MirrorOptions { WriteQuorum = 1 }).Start();
        rig.Write(Region, 16, seed: 1);
        rig.Legs[2].FailAll();
        rig.Write(Region + 300);
        rig.Legs[2].Contents(new(Region), new(1024)).Clear();
        rig.Legs[2].Heal();

        // A write that keeps the turn of the first chunk while leg 2 returns, and one that leg 1 is behind with.
        rig.Legs[1].Holds = true;
        TestRequest first = rig.Submit(Write(Region, BlockFlags.Fua));
        rig.Advance(1.5);
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(0b111));
        Assert.That(rig.Submit(Write(Region + 600)).IsCompleted, "legs 0 and 2 have it");

        rig.Legs[0].FailAll(Errno.EIO, BlockOperation.Write);
        rig.Submit(Write(5 * 1024));
        Release(rig, 5 * 1024);
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(0b111), "leg 2 lacks the rest of the region");
        Assert.That(rig.Read(Region + 600).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
        rig.Legs[1].Holds = false;
        Release(rig, Region);
        Release(rig, Region + 600);
        Assert.That(first.IsCompleted);

        rig.Legs[0].Heal();
        rig.Advance(60);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AAA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(Region + 8).Data, Is.EqualTo(MirrorRig.Bytes(16, 1)[4096..]));
    }

    // Goal: when each leg is behind with another write to a region and the one that has them all leaves, every sector is read
    // from a leg that has it, and no read fails.
    [Test]
    public void Legs_that_are_each_behind_elsewhere_in_a_region_are_read()
    {
        MirrorRig rig = new MirrorRig(3, log: "disk 3 log {0} nosync")
            .WithMirror(_ => new MirrorOptions { WriteQuorum = 1 }).Start();
        rig.Write(Region, 16, seed: 1);
        rig.Legs[1].Holds = rig.Legs[2].Holds = true;
        Assert.That(rig.Submit(Write(Region + 100)).IsCompleted, "leg 0 has it");
        Assert.That(rig.Submit(Write(Region + 200)).IsCompleted, "leg 0 has it");
        Release(rig, Region + 100);
        Release(rig, Region + 200, leg: 2);
        rig.Loop.Finish(rig.Device.FailLegAsync(0));
        rig.Legs[1].Holds = rig.Legs[2].Holds = false;

        Assert.That(rig.Read(Region, 16).Error, Is.EqualTo(Errno.None), "both have it");
        (Errno error, byte[] all) = rig.Read(Region, 300);
        Assert.That(error, Is.EqualTo(Errno.None));
        Assert.That(all[..(16 * Sectors.SizeBytes)], Is.EqualTo(MirrorRig.Bytes(16, 1)));
        Assert.That(all[(100 * Sectors.SizeBytes)..(108 * Sectors.SizeBytes)], Is.EqualTo(MirrorRig.Bytes(8, 2)), "leg 1");
        Assert.That(all[(200 * Sectors.SizeBytes)..(208 * Sectors.SizeBytes)], Is.EqualTo(MirrorRig.Bytes(8, 2)), "leg 2");
    }

    // Goal: where holders may differ that are each behind elsewhere in the region, the lowest alone is read.
    [Test]
    public void Where_legs_that_are_behind_may_differ_the_lowest_is_read()
    {
        MirrorRig rig = new MirrorRig(3, log: "disk 3 log {0} nosync")
            .WithMirror(_ => new MirrorOptions { WriteQuorum = 1, Recovers = false, PreferredLeg = 2 }).Start();
        rig.Write(Region);
        rig.Crash();
        TestBuffer.Random(new(8), 3).Span.CopyTo(rig.Legs[2].Contents(new(Region), new(8)));
        rig.Start();
        Assert.That(rig.Mirror.Knowledge.MayDiffer.Contains(2));
        rig.Legs[1].Holds = rig.Legs[2].Holds = true;
        rig.Submit(Write(Region + 100));
        rig.Submit(Write(Region + 200));
        Release(rig, Region + 100);
        Release(rig, Region + 200, leg: 2);
        rig.Loop.Finish(rig.Device.FailLegAsync(0));
        rig.Legs[1].Holds = rig.Legs[2].Holds = false;
        (Errno error, byte[] data) = rig.Read(Region);
        Assert.That(error, Is.EqualTo(Errno.None));
        Assert.That(data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    private static TestRequest Write(long sector, BlockFlags flags = BlockFlags.None) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), 2), flags);

    private static void Release(MirrorRig rig, long sector, int leg = 1)
    {
        rig.Legs[leg].Release(rig.Legs[leg].Held.Single(request => request.Start == new Sectors(sector)));
        rig.Loop.RunUntilIdle();
    }
}
