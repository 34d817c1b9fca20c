using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class SimulatedDiskFaultTests
{
    // Goal: a write that fails took effect on any part of its blocks, and names one of them.
    [Test]
    public void A_failed_write_is_torn()
    {
        HashSet<string> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Media.Faults.WriteErrors = 1;
            TestRequest write = rig.Write(4, 2, 1);
            Assert.That((write.Error, write.FailedAt.Count is 4 or 5), Is.EqualTo((Errno.EIO, true)));
            return string.Join(' ', rig.Read(4, 2));
        });
        Assert.That(seen, Is.EquivalentTo(["0 0", "0 1", "1 0", "1 1"]));
    }

    // Goal: where the settings say so, the rest of a failed write takes effect afterwards, over what was written since.
    [Test]
    public void A_failed_write_lands_late()
    {
        HashSet<long> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Media.Faults.WriteErrors = rig.Media.Faults.LandingsAfterError = rig.Media.Faults.SlowOperations = 1;
            TestRequest write = rig.Write(0, 1, 1);
            rig.Wait(rig.Media.Faults.SlowLatency.TotalMilliseconds);
            Assert.That(write.Error, Is.EqualTo(Errno.EIO));
            write.Buffer!.Span.Fill(0xFF);
            rig.Media.Faults.Heal();
            rig.Write(0, 1, 2);
            rig.Wait(rig.Media.Faults.SlowLatency.TotalMilliseconds);
            Assert.That(rig.Media.LandingLate, Is.Zero);
            return rig.Read(0, 1)[0];
        });
        Assert.That(seen, Is.EquivalentTo([1, 2]));
    }

    // Goal: an unreadable block fails reads that touch it, at its place, until it is rewritten; a cut that loses the
    // rewriting brings it back.
    [Test]
    public void An_unreadable_block_heals_when_it_is_rewritten()
    {
        HashSet<Errno> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Media.Spoil(new Sectors(5), new Sectors(1));
            TestRequest read = rig.Submit(TestRequest.Read(new Sectors(4), new TestBuffer(1024)));
            Assert.That((read.Error, read.FailedAt.Count), Is.EqualTo((Errno.EIO, 5L)));
            Assert.That(rig.ReadError(4, 1), Is.EqualTo(Errno.None));
            rig.Write(5, 1, 1);
            Assert.That(rig.Read(5, 1), Is.EqualTo([1]));
            rig.PowerCut();
            return rig.ReadError(5, 1);
        });
        Assert.That(seen, Is.EquivalentTo([Errno.None, Errno.EIO]));
    }

    // Goal: a dead block takes no write; revived it takes one.
    [Test]
    public void A_dead_block_refuses_writes_until_it_is_revived()
    {
        var rig = new SimulatedDiskRig();
        rig.Media.Spoil(new Sectors(1), new Sectors(1), dead: true);
        Assert.That((rig.Write(0, 2, 1).Error, rig.Write(0, 2, 1).FailedAt.Count), Is.EqualTo((Errno.EIO, 1L)));
        Assert.That(rig.ReadError(1, 1), Is.EqualTo(Errno.EIO));
        rig.Media.Revive();
        Assert.That(rig.Write(0, 2, 2).Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Read(0, 2), Is.EqualTo([2, 2]));
    }

    // Goal: a disk that is gone answers ENXIO, also to what was under way, and comes back with its bytes; if it lost power,
    // without what was only cached.
    [Test]
    public void A_disk_goes_and_returns()
    {
        HashSet<(bool Lost, long Read)> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Write(0, 1, 1);
            rig.Media.LatencyMean = TimeSpan.FromMilliseconds(1);
            TestRequest under = rig.Write(1, 1, 1);
            bool losesPower = rig.Media.Random.Next(2) == 0;
            rig.Media.Leave(losesPower);
            rig.Loop.RunUntilIdle();
            Assert.That((under.Completions, under.Error), Is.EqualTo((1, Errno.ENXIO)));
            Assert.That(rig.ReadError(0, 1), Is.EqualTo(Errno.ENXIO));
            rig.Media.Return();
            rig.Media.LatencyMean = TimeSpan.Zero;
            return (losesPower, rig.Read(0, 1)[0]);
        });
        Assert.That(seen, Is.EquivalentTo([(false, 1L), (true, 0L), (true, 1L)]));
    }

    // Goal: a hanging disk does nothing; afterwards what it held lands, in any order, from the memory as it is then.
    [Test]
    public void A_hanging_disk_lands_what_it_held_in_any_order()
    {
        HashSet<long> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Media.Hang();
            TestRequest[] writes = [rig.Write(0, 1, 1), rig.Write(0, 1, 2)];
            rig.Wait();
            Assert.That(writes.Sum(write => write.Completions) + rig.Media.Contents.Visible(0)[0], Is.Zero);
            rig.Media.EndHang();
            rig.Loop.RunUntilIdle();
            Assert.That(writes.Select(write => write.Completions), Is.EqualTo([1, 1]));
            return rig.Read(0, 1)[0];
        });
        Assert.That(seen, Is.EquivalentTo([1, 2]));
    }

    // Goal: what vanishes never completes, landed or not, until the test says so.
    [Test]
    public void What_vanishes_lands_or_not_and_never_completes()
    {
        HashSet<long> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Media.Faults.Vanishings = 1;
            TestRequest write = rig.Write(0, 1, 1);
            rig.Wait();
            Assert.That((write.Completions, rig.Media.UnderWay, rig.Media.Vanished), Is.EqualTo((0, 0, 1)));
            rig.Media.Faults.Heal();
            long read = rig.Read(0, 1)[0];
            rig.Media.CompleteVanished();
            rig.Loop.RunUntilIdle();
            Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.EIO)));
            return read;
        });
        Assert.That(seen, Is.EquivalentTo([0, 1]));
    }

    // Goal: zeroing that the disk cannot do, or says it can and cannot, is EOPNOTSUPP and does nothing.
    [Test]
    public void Zeroing_is_refused([Values] bool lies, [Values] bool discard)
    {
        var rig = new SimulatedDiskRig();
        rig.Write(0, 1, 1);
        if (lies)
            rig.Media.Faults.RefusesDiscard = rig.Media.Faults.RefusesZeroes = true;
        else
            rig.Media.DiscardLimit = rig.Media.WriteZeroesLimit = Sectors.Zero;
        Assert.That(rig.Disk.WriteZeroesLimit > Sectors.Zero, Is.EqualTo(lies));
        TestRequest request = discard
            ? TestRequest.Discard(new Sectors(0), new Sectors(1))
            : TestRequest.WriteZeroes(new Sectors(0), new Sectors(1));
        Assert.That(rig.Submit(request).Error, Is.EqualTo(Errno.EOPNOTSUPP));
        Assert.That(rig.Read(0, 1), Is.EqualTo([1]));
    }

    // Goal: a read sees a write of several blocks while it is under way, in part.
    [Test]
    public void A_write_under_way_is_partly_visible()
    {
        HashSet<string> seen = SimulatedDiskRig.Outcomes(rig =>
        {
            rig.Media.LatencyMean = TimeSpan.FromSeconds(10);
            rig.Media.DoneInParts = 1;
            TestRequest write = rig.Write(0, 2, 1);
            rig.Wait(3000);
            rig.Media.LatencyMean = TimeSpan.Zero;
            return write.IsCompleted ? "completed" : string.Join(' ', rig.Read(0, 2));
        });
        Assert.That(seen, Is.EquivalentTo(["0 0", "0 1", "1 0", "1 1", "completed"]));
    }

    // Goal: holes are told where the settings say so, and a gone disk cannot tell.
    [Test]
    public void Holes_are_told()
    {
        var rig = new SimulatedDiskRig();
        rig.Write(0, 8, 1);
        rig.Submit(TestRequest.Discard(new Sectors(2), new Sectors(2)));
        Assert.That(Kinds(rig), Is.EqualTo("Data 0+64"));
        rig.Media.TellsHoles = true;
        Assert.That(Kinds(rig), Is.EqualTo("Data 0+2, Hole 2+2, Data 4+4, Hole 8+56"));
        rig.Media.Leave(losesPower: false);
        Assert.That(() => Kinds(rig), Throws.TypeOf<IOException>());
    }

    // Goal: a log device has the blocks that were asked for.
    [Test]
    public void A_log_device_has_its_block_size([Values(512, 4096)] int blockBytes)
    {
        SimulatedMedia media = SimulatedLogDevice.Create(new Random(1), "log", blockBytes);
        var loop = new ManualLoop();
        SimulatedDisk disk = media.Open(loop);
        TestRequest fits = TestRequest.Write(new Sectors(0), new TestBuffer(blockBytes), BlockFlags.Fua);
        disk.Submit(fits);
        loop.RunUntilIdle();
        Assert.That((disk.LogicalBlockBytes, fits.Completions, fits.Error), Is.EqualTo((blockBytes, 1, Errno.None)));
    }

    private static string Kinds(SimulatedDiskRig rig)
    {
        IReadOnlyList<BlockExtent> extents = rig.Loop.Run(
            () => rig.Disk.ReadExtentsAsync(Sectors.Zero, new Sectors(SimulatedDiskRig.Length)));
        return string.Join(", ", extents.Select(extent => $"{extent.Kind} {extent.Start}+{extent.Count}"));
    }
}
