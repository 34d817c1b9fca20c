using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class SimulatedDiskDurabilityTests
{
    // Goal: a power cut keeps any part of a cached write, block by block.
    [Test]
    public void A_cut_keeps_any_part_of_what_was_not_flushed()
    {
        HashSet<string> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Write(0, 2, 7);
            Assert.That(rig.Read(0, 2), Is.EqualTo([7, 7]), "before the cut it is read");
            rig.PowerCut();
            return string.Join(' ', rig.Read(0, 2));
        });
        Assert.That(seen, Is.EquivalentTo(["0 0", "0 7", "7 0", "7 7"]));
    }

    // Goal: a logical block of eight sectors is never torn.
    [Test]
    public void A_block_is_kept_or_lost_as_a_whole()
    {
        HashSet<string> seen = SimulatedDiskRig.Outcomes(
            rig =>
            {
                rig.Write(0, 16, 7);
                rig.PowerCut();
                long[] read = rig.Read(0, 16);
                Assert.That(read[..8].Distinct().Count() + read[8..].Distinct().Count(), Is.EqualTo(2));
                return $"{read[0]} {read[8]}";
            },
            blockBytes: 4096);
        Assert.That(seen, Is.EquivalentTo(["0 0", "0 7", "7 0", "7 7"]));
    }

    // Goal: any of several cached versions of a block may be what a cut leaves.
    [Test]
    public void A_cut_leaves_any_version_of_a_block()
    {
        HashSet<long> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Write(0, 1, 1);
            rig.Flush();
            rig.Write(0, 1, 2);
            rig.Write(0, 1, 3);
            rig.PowerCut();
            return rig.Read(0, 1)[0];
        });
        Assert.That(seen, Is.EquivalentTo([1, 2, 3]));
    }

    // Goal: FUA makes its own write durable, nothing else, and nothing that was cached before comes back over it.
    [Test]
    public void Fua_makes_its_own_write_durable()
    {
        HashSet<string> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Write(0, 2, 1);
            rig.Write(0, 1, 2, BlockFlags.Fua);
            rig.PowerCut();
            return string.Join(' ', rig.Read(0, 2));
        });
        Assert.That(seen, Is.EquivalentTo(["2 0", "2 1"]));
    }

    // Goal: a flush covers what took effect before it was submitted; what comes while it is under way it may pass by.
    [Test]
    public void A_flush_covers_what_came_before_its_submission()
    {
        HashSet<string> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Write(0, 1, 1);
            rig.Media.LatencyMean = TimeSpan.FromMilliseconds(5);
            TestRequest flush = rig.Flush();
            rig.Media.LatencyMean = TimeSpan.Zero;
            rig.Write(1, 1, 2);
            rig.Wait();
            Assert.That(flush.IsCompleted);
            rig.PowerCut();
            return string.Join(' ', rig.Read(0, 2));
        });
        Assert.That(seen, Is.EquivalentTo(["1 0", "1 2"]));
    }

    // Goal: a preflush makes durable what was there before, not its own write.
    [Test]
    public void A_preflush_covers_what_came_before()
    {
        HashSet<string> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Write(0, 1, 1);
            rig.Write(1, 1, 2, BlockFlags.Preflush);
            rig.PowerCut();
            return string.Join(' ', rig.Read(0, 2));
        });
        Assert.That(seen, Is.EquivalentTo(["1 0", "1 2"]));
    }

    // Goal: what a failed flush was to make durable may be lost, a later flush that succeeds does not save it, and it may
    // cease to be read at once.
    [Test]
    public void A_failed_flush_forgets()
    {
        HashSet<string> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Write(0, 1, 1);
            rig.Media.Faults.FlushErrors = 1;
            Assert.That(rig.Flush().Error, Is.EqualTo(Errno.EIO));
            rig.Media.Faults.Heal();
            long read = rig.Read(0, 1)[0];
            Assert.That(rig.Flush().Error, Is.EqualTo(Errno.None));
            rig.PowerCut();
            return $"{read} {rig.Read(0, 1)[0]}";
        });
        Assert.That(seen, Is.EquivalentTo(["0 0", "1 0", "1 1"]));
    }

    // Goal: what is under way when power is cut is done in any part and never completes; the old opening is dead.
    [Test]
    public void A_cut_catches_what_is_under_way()
    {
        HashSet<string> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Media.LatencyMean = TimeSpan.FromMilliseconds(1);
            TestRequest write = rig.Write(0, 2, 1, BlockFlags.Fua);
            (ManualLoop loop, SimulatedDisk disk) = (rig.Loop, rig.Disk);
            rig.PowerCut();
            TestRequest late = TestRequest.Flush();
            disk.Submit(late);
            loop.Time.Advance(TimeSpan.FromSeconds(10));
            Assert.That((write.Completions, late.Completions, disk.IsDead), Is.EqualTo((0, 0, true)));
            rig.Media.LatencyMean = TimeSpan.Zero;
            return string.Join(' ', rig.Read(0, 2));
        });
        Assert.That(seen, Is.EquivalentTo(["0 0", "0 1", "1 0", "1 1"]));
    }

    // Goal: a kill loses nothing that was completed, and a cut after it still may.
    [Test]
    public void A_kill_keeps_the_cache()
    {
        HashSet<long> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Write(0, 1, 1);
            rig.Kill();
            Assert.That(rig.Read(0, 1), Is.EqualTo([1]));
            rig.PowerCut();
            return rig.Read(0, 1)[0];
        });
        Assert.That(seen, Is.EquivalentTo([0, 1]));
    }

    // Goal: a full cache writes back the oldest, and loses nothing.
    [Test]
    public void A_full_cache_writes_back()
    {
        var rig = new SimulatedDiskRig();
        for (int i = 1; i <= 2000; i++)
            rig.Write(i % SimulatedDiskRig.Length, 1, i);
        Assert.That(rig.Media.Coverage[DiskEvent.WrittenBack], Is.GreaterThan(0));
        rig.PowerCut();
        Assert.That(rig.Read(0, SimulatedDiskRig.Length), Is.All.GreaterThanOrEqualTo(2000 - 1024 - SimulatedDiskRig.Length));
    }
}
