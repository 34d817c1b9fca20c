using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>What a mapped device tells of its legs, of its data, and of failures (IRegionStates, BlockFailure).</summary>
public sealed class RegionStateTests
{
    private const long Region = 1024;
    private const long Length = 32 * Region;

    // Goal: in health there is one run without bits, however long the range is.
    [Test]
    public void A_mirror_in_health_is_one_run()
    {
        MirrorRig rig = new MirrorRig(legs: 3).Start();
        foreach (RegionQuestion question in Enum.GetValues<RegionQuestion>())
            Assert.That(Ask(rig.Device, question, 5, Length - 5), Is.EqualTo(Runs((5, Length - 5, 0))));
    }

    // Goal: a leg that left cannot serve anything, and lacks what was written since; what it has been given is struck.
    [Test]
    public void A_leg_that_left_is_told_everywhere_and_what_it_lacks_where_it_does()
    {
        MirrorRig rig = new MirrorRig(legs: 3).Start();
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Write);
        rig.Write(2 * Region);
        rig.Write(3 * Region);
        Assert.That(Ask(rig.Device, RegionQuestion.CannotServe).Select(run => run.Legs).Distinct(), Is.EqualTo(new[] { 2ul }));
        Assert.That(Ask(rig.Device, RegionQuestion.Lacks), Is.EqualTo(Runs(
            (0, 2 * Region, 0), (2 * Region, Region, 2), (3 * Region, Region, 2), (4 * Region, 28 * Region, 0))));
        Assert.That(Ask(rig.Device, RegionQuestion.Lacks, 2 * Region + 7, 20), Is.EqualTo(Runs((2 * Region + 7, 20, 2))));
        Assert.That(Ask(rig.Device, RegionQuestion.Lacks, most: 2), Has.Count.EqualTo(2), "no more than were asked for");
        rig.Legs[1].Heal();
        rig.Advance(10);
        foreach (RegionQuestion question in Enum.GetValues<RegionQuestion>())
            Assert.That(Ask(rig.Device, question), Is.EqualTo(Runs((0, Length, 0))));
    }

    // Goal: where legs may differ the one that is read is right, and the others are not.
    [Test]
    public void Where_legs_may_differ_only_the_one_that_is_read_serves()
    {
        MirrorRig rig = new MirrorRig(legs: 3).Start();
        rig.Mirror.Knowledge.Lack(rig.Mirror.Knowledge[0], 4);
        rig.Mirror.Knowledge.Differ(4);
        foreach (RegionQuestion question in Enum.GetValues<RegionQuestion>())
        {
            Assert.That(
                Ask(rig.Device, question, 4 * Region - 1, Region + 2),
                Is.EqualTo(Runs((4 * Region - 1, 1, 0), (4 * Region, Region, 5), (5 * Region, 1, 0))));
        }
    }

    // Goal: what could not be read on a leg, and is not mended yet, it cannot serve: to the sector, and it lacks nothing.
    [Test]
    public void What_could_not_be_read_is_told_to_the_sector()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Mirror.Knowledge[0].Unreadable.Add(new(104), new(8));
        rig.Mirror.Knowledge[1].Unreadable.Add(new(108), new(8));
        Assert.That(
            Ask(rig.Device, RegionQuestion.CannotServe, 100, 100),
            Is.EqualTo(Runs((100, 4, 0), (104, 4, 1), (108, 4, 3), (112, 4, 2), (116, 84, 0))));
        Assert.That(Ask(rig.Device, RegionQuestion.Lacks, 100, 100), Is.EqualTo(Runs((100, 100, 0))));
    }

    // Goal: a line without legs has none that fail, a linear one tells what is beneath, in its own sectors.
    [Test]
    public void Lines_and_devices_above_tell_it_in_their_own_sectors()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Write);
        rig.Write(2 * Region);
        MappedDevice above = Above(rig, $"0 100 error\n100 {Region} linear dm:vol0 {2 * Region - 50}");
        Assert.That(
            Ask(above, RegionQuestion.Lacks, 90, 100), Is.EqualTo(Runs((90, 10, 0), (100, 50, 0), (150, 40, 2))));
    }

    // Goal: the data of each region is told by a leg that holds it; a leg that is gone is not asked.
    [Test]
    public void Extents_come_from_legs_that_hold_them()
    {
        MirrorRig rig = new MirrorRig(legs: 3).Start();
        rig.Legs[0].Extents = (start, count) => [new(start, count, ExtentKind.Hole)];
        rig.Mirror.Knowledge.Lack(rig.Mirror.Knowledge[0], 2);
        rig.Mirror.Knowledge.Lack(rig.Mirror.Knowledge[0], 3);
        Assert.That(
            rig.Loop.Run(() => rig.Device.ReadExtentsAsync(new(Region), new(4 * Region))),
            Is.EqualTo(new BlockExtent[]
            {
                new(new(Region), new(Region), ExtentKind.Hole), new(new(2 * Region), new(2 * Region), ExtentKind.Data),
                new(new(4 * Region), new(Region), ExtentKind.Hole),
            }));
    }

    // Goal: the sentence of a failure that no leg could help comes up through the devices above, with the place in theirs.
    [TestCase("0 1024 linear dm:vol0 100")]
    [TestCase("0 512 linear dm:vol0 100\n512 512 linear dm:vol0 612")]
    [TestCase("0 1024 striped 1 4 dm:vol0 100")]
    public void A_failure_says_which_legs_and_where(string table)
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Legs[0].Fail(new(610), new(1), Errno.EIO, BlockOperation.Read);
        rig.Legs[1].Fail(new(608), new(3), Errno.EIO, BlockOperation.Read);
        MappedDevice above = Above(rig, table);
        TestRequest read = TestRequest.Read(new(504), new TestBuffer(16 * 512));
        above.Submit(read);
        rig.Loop.RunUntilIdle();
        Assert.That(read.Error, Is.EqualTo(Errno.EIO));
        Assert.That(read.Failure!.ErrorBits, Is.EqualTo(3));
        Assert.That(read.Failure.ToString(), Does.StartWith("vol0: leg 0 leg0 failed: Read at sector 610: EIO, leg 1 leg1 failed: Read at sector "));
        Assert.That(read.Failure.ToString(), Does.EndWith(": EIO, error bits 0x3"));
        Assert.That(read.FailedAt.Count, Is.InRange(508, 510));
        above.Submit(read = TestRequest.Read(new(0), new TestBuffer(512)));
        rig.Loop.RunUntilIdle();
        Assert.That((read.Error, read.Failure), Is.EqualTo((Errno.None, (BlockFailure?)null)));
    }

    // Goal: zeroes are fast where all legs that are there make holes.
    [Test]
    public void Zeroes_are_fast_where_they_are_on_every_leg()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Legs[0].ZeroesFast = true;
        Assert.That(rig.Device.CanZeroFast, Is.False);
        rig.Legs[1].ZeroesFast = true;
        Assert.That(rig.Device.CanZeroFast);
        Assert.That(Above(rig, "0 1024 linear dm:vol0 100").CanZeroFast);
        Assert.That(Above(rig, "0 1024 striped 1 4 dm:vol0 100").CanZeroFast);
        Assert.That(Above(rig, "0 512 linear dm:vol0 100\n512 512 delay dm:vol0 2000 1").CanZeroFast, Is.False);
    }

    private static MappedDevice Above(MirrorRig rig, string table)
    {
        rig.AddDevice("dm:vol0", rig.Device);
        return rig.Loop.Finish(
            MappedDevice.CreateAsync(rig.Loop, "above", MirrorRig.Parse(table), rig, rig.Options));
    }

    private static List<RegionLegs> Ask(
        MappedDevice device, RegionQuestion question, long start = 0, long count = Length, int most = 100)
    {
        var runs = new List<RegionLegs>();
        device.ReadRegions(question, new(start), new(count), most, runs);
        return runs;
    }

    private static List<RegionLegs> Runs(params (long Start, long Count, ulong Legs)[] runs) =>
        [.. runs.Select(run => new RegionLegs(new(run.Start), new(run.Count), run.Legs))];
}
