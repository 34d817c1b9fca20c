using DmIo.Testing;
using static DmIo.Mapper.Tests.CheckTests;

namespace DmIo.Mapper.Tests;

public sealed class LegRepairTests
{
    private const string DiskLog = "disk 3 log {0} nosync";

    // Goal: what more than half of the legs have is right: the others are rewritten there, durably, and read back.
    [Test]
    public void The_majority_is_right()
    {
        MirrorRig rig = Written();
        Flip(rig, leg: 0, sector: 100, byteOf: 1);
        Flip(rig, leg: 2, sector: 9000, byteOf: 1);
        byte[] right = rig.Legs[1].Contents().ToArray();
        ScrubReport report = Repair(rig);
        Assert.That((report.Differing.Count, report.Repaired.Count, report.Undecided.Count), Is.EqualTo((2L, 2L, 0L)));
        Assert.That(report.Mismatches.Select(range => range.Outcome), Is.All.EqualTo(ScrubOutcome.Repaired));
        rig.AssertLegsEqual();
        Assert.That(rig.Legs[0].Contents().SequenceEqual(right));
        ScriptedCall[] calls = [.. rig.Legs[0].Log.SkipWhile(call => call.Operation != BlockOperation.Write).Take(2)];
        Assert.That(calls[0], Is.EqualTo(new ScriptedCall(BlockOperation.Write, BlockFlags.Fua, new(100), new(1))));
        Assert.That(calls[1].Operation, Is.EqualTo(BlockOperation.Read));
        Assert.That(rig.Legs[1].Log.Any(call => call.Operation == BlockOperation.Write), Is.False, "what is right stays");
        Assert.That(Repair(rig).Differing.Count, Is.Zero);
    }

    // Goal: without a majority legs stay as they are, and that is told.
    [Test]
    public void Without_a_majority_legs_stay_as_they_are([Values(2, 3, 4)] int legs)
    {
        MirrorRig rig = Written(legs: legs);
        for (int leg = legs / 2; leg < legs; leg++)
            Flip(rig, leg, sector: 100, byteOf: 1, by: (byte)(legs == 4 ? 1 : leg));
        byte[][] before = [.. rig.Legs.Select(leg => leg.Contents().ToArray())];
        ScrubReport report = Repair(rig);
        Assert.That((report.Repaired.Count, report.Undecided.Count), Is.EqualTo((0L, 1L)));
        Assert.That(report.Mismatches.Single().Outcome, Is.EqualTo(ScrubOutcome.Undecided));
        for (int leg = 0; leg < legs; leg++)
            Assert.That(rig.Legs[leg].Contents().SequenceEqual(before[leg]), $"leg {leg}");
    }

    // Goal: the leg that is named is right, be it one against two.
    [TestCase(0)]
    [TestCase(1)]
    public void The_named_leg_is_right(int from)
    {
        MirrorRig rig = Written();
        Flip(rig, leg: 1, sector: 100, byteOf: 1);
        byte[] right = rig.Legs[from].Contents().ToArray();
        ScrubReport report = Repair(rig, from);
        Assert.That((report.From, report.Repaired.Count), Is.EqualTo((from, 1L)));
        rig.AssertLegsEqual();
        Assert.That(rig.Legs[0].Contents().SequenceEqual(right));
    }

    // Goal: where the named leg cannot be read nothing is right.
    [Test]
    public void What_the_named_leg_cannot_read_is_left()
    {
        MirrorRig rig = Written(options => options with { RepairsReads = false });
        Flip(rig, leg: 1, sector: 100, byteOf: 1);
        rig.Legs[0].Fail(new(100), new(1), Errno.EIO, BlockOperation.Read);
        ScrubReport report = Repair(rig, 0);
        Assert.That(report.Mismatches.Single().Outcome, Is.EqualTo(ScrubOutcome.Undecided));
        Assert.That(rig.Legs[1].Contents(new(100), new(1)).SequenceEqual(rig.Legs[2].Contents(new(100), new(1))), Is.False);
    }

    // Goal: while a leg is rewritten the log says that the region is dirty and the record that the leg lacks it, so that a
    // power cut in the middle of it ends with what is right on all legs; afterwards neither says so.
    [Test]
    public void A_power_cut_leaves_what_is_right([Values("core 2 {0} nosync", DiskLog)] string log, [Values(0, 1)] int from)
    {
        MirrorRig rig = Written(log: log, legs: 2);
        byte[] right = rig.Legs[from].Contents().ToArray();
        int wrong = 1 - from;
        for (int sector = 100; sector < 108; sector++)
            Flip(rig, wrong, sector, byteOf: 1);
        rig.Legs[wrong].Holds = true;
        Task<ScrubReport> repair = rig.Device.RepairAsync(new RepairOptions { From = from });
        ReleaseReads(rig, wrong);
        Assert.That(rig.Legs[wrong].Held.Single().Operation, Is.EqualTo(BlockOperation.Write));
        Assert.That(rig.Mirror.Knowledge.IsWhole, "nothing is lacked while the mirror lives");
        if (log == DiskLog)
            Assert.That(rig.LogDevice!.Contents()[1024], Is.EqualTo(0xFE));
        // Half of it is there.
        rig.Legs[from].Contents(new(100), new(4)).CopyTo(rig.Legs[wrong].Contents(new(100), new(4)));
        rig.Crash();
        Assert.That(repair.IsCompleted, Is.False);
        rig.Start();
        rig.Advance(10);
        rig.AssertLegsEqual();
        Assert.That(rig.Legs[from].Contents().SequenceEqual(right));
    }

    [Test]
    public void A_repair_leaves_no_trace_in_the_record([Values("core 2 {0} nosync", DiskLog)] string log)
    {
        MirrorRig rig = Written(log: log);
        Flip(rig, leg: 0, sector: 100, byteOf: 1);
        Flip(rig, leg: 1, sector: 101, byteOf: 1);
        Flip(rig, leg: 2, sector: 2000, byteOf: 1);
        Assert.That(Repair(rig).Repaired.Count, Is.EqualTo(3));
        foreach (Leg leg in rig.Mirror.Knowledge.Legs)
            Assert.That(leg.Recorded.Count, Is.Zero);
        rig.Advance(10);
        if (log == DiskLog)
            Assert.That(rig.LogDevice!.Contents()[1024], Is.EqualTo(0xFF));
        else
            rig.AssertRecorded("in", "in", "in");
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AAA "));
        rig.Stop();
    }

    // Goal: a client's write to a range that is being repaired comes after it.
    [Test]
    public void A_write_waits_for_its_turn()
    {
        MirrorRig rig = Written();
        Flip(rig, leg: 1, sector: 100, byteOf: 1);
        rig.Legs[1].Holds = true;
        Task<ScrubReport> repair = rig.Device.RepairAsync(new RepairOptions());
        ReleaseReads(rig, 1);
        TestRequest write = rig.Submit(TestRequest.Write(new(100), TestBuffer.Random(new(8), 9)));
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Advance(10);
        Assert.That(rig.Loop.Finish(repair).Repaired.Count, Is.EqualTo(1));
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(100).Data, Is.EqualTo(MirrorRig.Bytes(8, 9)));
    }

    // Goal: a leg that cannot be rewritten leaves as after any failed write, lacks the region, and comes back.
    [Test]
    public void A_leg_that_cannot_be_rewritten_leaves()
    {
        MirrorRig rig = Written();
        Flip(rig, leg: 1, sector: 100, byteOf: 1);
        rig.Legs[1].Fail(new(100), new(1), Errno.EIO, BlockOperation.Write);
        ScrubReport report = Repair(rig);
        Assert.That((report.Repaired.Count, report.Failed.Count), Is.EqualTo((0L, 1L)));
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(5UL));
        Assert.That(rig.Mirror.Knowledge[1].Lacks.Contains(0));
        rig.AssertRecorded("in", "out 0", "in");
        rig.Legs[1].Heal();
        rig.Advance(3);
        rig.Advance(10);
        rig.AssertLegsEqual();
        Assert.That(rig.Mirror.Knowledge.IsWhole);
    }

    // Goal: what a leg takes and does not give back it does not hold.
    [Test]
    public void What_was_rewritten_is_read_back()
    {
        MirrorRig rig = Written(options => options with { Recovers = false });
        Flip(rig, leg: 1, sector: 100, byteOf: 1);
        rig.Legs[1].Holds = true;
        Task<ScrubReport> repair = rig.Device.RepairAsync(new RepairOptions());
        ReleaseReads(rig, 1);
        rig.Legs[1].ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Flip(rig, leg: 1, sector: 100, byteOf: 1);
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        Assert.That(rig.Loop.Finish(repair).Mismatches.Single().Outcome, Is.EqualTo(ScrubOutcome.Failed));
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(5UL));
    }

    // Goal: a leg outside the set, which will not have what is written now, lacks the region.
    [Test]
    public void A_leg_that_is_out_lacks_what_is_repaired()
    {
        MirrorRig rig = Written(options => options with { Recovers = false });
        rig.Legs[2].FailAll(Errno.EIO, BlockOperation.Write);
        rig.Write(5000);
        rig.Advance(10);
        Flip(rig, leg: 1, sector: 100, byteOf: 1);
        Assert.That(Repair(rig, 1).Repaired.Count, Is.EqualTo(1));
        Assert.That(rig.Mirror.Knowledge[2].Lacks.Contains(0));
    }

    // Goal: while the record cannot be written nothing is rewritten.
    [Test]
    public void Without_a_record_nothing_is_rewritten()
    {
        MirrorRig rig = Written(legs: 3);
        Flip(rig, leg: 1, sector: 100, byteOf: 1);
        rig.Store.Error = Errno.ENOSPC;
        ScrubReport report = Repair(rig);
        Assert.That(report.Mismatches.Single().Outcome, Is.EqualTo(ScrubOutcome.Failed));
        Assert.That(rig.Legs[1].Log.Any(call => call.Operation == BlockOperation.Write), Is.False);
        rig.Store.Error = Errno.None;
        rig.Advance(10);
        Assert.That(Repair(rig).Repaired.Count, Is.EqualTo(1));
    }

    private static ScrubReport Repair(MirrorRig rig, int? from = null) =>
        rig.Loop.Finish(rig.Device.RepairAsync(new RepairOptions { From = from }));

    // A leg holds what it is asked: its reads go on, until it is asked something else.
    private static void ReleaseReads(MirrorRig rig, int leg)
    {
        rig.Loop.RunUntilIdle();
        while (rig.Legs[leg].Held.FirstOrDefault(request => request.Operation == BlockOperation.Read) is { } read)
        {
            rig.Legs[leg].Release(read);
            rig.Loop.RunUntilIdle();
        }
    }
}
