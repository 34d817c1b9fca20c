using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class ReadRepairTests
{
    // Goal: what one leg cannot read is served by another, rewritten and read back; the leg stays, and nothing is out of
    // sync.
    [TestCase(0)]
    [TestCase(1)]
    public void What_cannot_be_read_is_rewritten(int leg)
    {
        MirrorRig rig = Written(leg);
        rig.Legs[leg].Spoil(new(104), new(4));
        Assert.That(rig.Read(100).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        ScriptedCall[] last = [.. rig.Legs[leg].Log.Where(call => call.Start == new Sectors(104)).TakeLast(2)];
        Assert.That(last.Select(call => call.Operation), Is.EqualTo(new[] { BlockOperation.Write, BlockOperation.Read }));
        Assert.That(
            rig.Log.Of(2017).Single(), Does.Contain($"leg {leg} leg{leg} could not be read at sector 104, 4 sectors in all"));
        Assert.That(rig.Log.Of(2002), Is.Empty);
        rig.AssertLegsEqual();
        rig.Advance(10);
        Assert.That(rig.Status, Does.Contain(" 32/32 "));
    }

    // Goal: only what a leg cannot read is rewritten on it, in blocks of 4 KiB, and with pieces of 64 KiB between: what has
    // changed in silence on the other leg is not made to be what both have.
    [Test]
    public void What_can_be_read_stays_as_it_is()
    {
        MirrorRig rig = Written(0);
        rig.Write(1024, seed: 5, count: 1024);
        byte[] right = [.. rig.Legs[0].Contents(new(1024), new(1024))];
        rig.Legs[1].Contents(new(1024 + 9), new(1)).Fill(0xEE);
        rig.Legs[1].Contents(new(1024 + 127), new(1)).Fill(0xEE);
        rig.Legs[0].Spoil(new(1024 + 20), new(1));
        rig.Legs[0].Spoil(new(1024 + 900), new(2));
        rig.Read(1024, 1024);
        Assert.That(
            rig.Legs[0].Contents(new(1024), new(1024)).ToArray(), Is.EqualTo(right), "the leg has what was written to it");
        Assert.That(
            Writes(rig, 0).Select(call => (call.Start.Count, call.Count.Count)).TakeLast(2),
            Is.EqualTo(new[] { (1024L + 16, 8L), (1024L + 896, 8L) }));
        Assert.That(rig.Log.Of(2017).Single(), Does.Contain("could not be read at sector 1040, 16 sectors in all"));
        Assert.That(rig.Read(1024, 1024).Data, Is.EqualTo(right));
    }

    // Goal: what a leg can read when it is asked again is not rewritten, and that is told.
    [Test]
    public void What_can_be_read_again_is_not_rewritten()
    {
        MirrorRig rig = Written(0);
        ReadWithError(rig, 0, 104);
        int writes = Writes(rig, 0).Count();
        rig.Legs[0].Heal();
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(Writes(rig, 0).Count(), Is.EqualTo(writes));
        Assert.That(rig.Log.Of(2017), Is.Empty);
        Assert.That(rig.Log.Of(2036).Single(), Does.Contain("leg 0 leg0 could not be read at sector 104, 8 sectors"));
        rig.Advance(10);
        Assert.That(rig.Status, Does.Contain(" 32/32 "));
        Assert.That(rig.Mirror.Knowledge.Legs[0].Unreadable.Count, Is.Zero);
    }

    // Goal: where holders may differ, all of the range is made like what was served, or a client would read what it has not
    // been told, then what it has, and then the former again.
    [Test]
    public void Where_holders_may_differ_all_of_it_is_rewritten()
    {
        MirrorRig rig = Written(0);
        rig.WithMirror(mirror => mirror with { Recovers = false });
        rig.Write(100, seed: 2);
        rig.Crash();
        rig.Legs[1].Contents(new(100), new(8)).Fill(0x11);
        rig.Start();
        rig.Legs[0].Spoil(new(107), new(1));
        byte[] served = rig.Read(100).Data;
        Assert.That(served, Is.All.EqualTo(0x11));
        Assert.That(rig.Legs[0].Contents(new(100), new(8)).ToArray(), Is.EqualTo(served));
        Assert.That(rig.Read(100).Data, Is.EqualTo(served));
    }

    // Goal: while a range is rewritten the log says that the region is dirty, and writes to it take their turn.
    [Test]
    public void A_repair_is_a_change_like_any_other()
    {
        MirrorRig rig = Written(0);
        ReadWithError(rig, 0, 104);
        Assert.That(rig.LogDevice!.Contents()[1024], Is.EqualTo(0xFE));
        TestRequest write = rig.Submit(TestRequest.Write(new(100), TestBuffer.Random(new(8), 9)));
        Assert.That(rig.Legs[0].Held, Has.Count.EqualTo(1), "the write waits");
        rig.Legs[0].Heal();
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(100).Data, Is.EqualTo(MirrorRig.Bytes(8, 9)));
    }

    // Goal: a range that stays unreadable makes its leg leave; it lacks that region.
    [Test]
    public void A_leg_that_cannot_be_mended_leaves()
    {
        MirrorRig rig = Written(0);
        rig.Legs[0].Fail(new(104), new(1), Errno.EIO, BlockOperation.Read);
        Assert.That(rig.Read(100).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        Assert.That(rig.Status, Does.Contain(" 31/32 1 RA "));
        Assert.That(rig.Log.Of(2002).Single(), Does.Contain("leg 0 leg0 failed: Read"));
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(2));
    }

    // Goal: a leg that alone holds something stays, whatever cannot be read on it.
    [Test]
    public void The_last_holder_stays()
    {
        MirrorRig rig = Written(0);
        rig.WithMirror(mirror => mirror with { Recovers = false });
        rig.Stop();
        rig.Start();
        rig.Legs[1].FailAll();
        rig.Write(9 * 1024, seed: 9);
        rig.Legs[0].Fail(new(9 * 1024), new(1), Errno.EIO, BlockOperation.Read);
        Assert.That(rig.Read(9 * 1024).Error, Is.EqualTo(Errno.EIO));
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(1));
        rig.Legs[0].Heal();
        Assert.That(rig.Read(9 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 9)));
    }

    // Goal: too many read errors make a leg leave, though each could be mended; an hour halves the count.
    [TestCase(0, true)]
    [TestCase(3600, false)]
    public void Too_many_errors_make_a_leg_leave(int secondsBetween, bool leaves)
    {
        MirrorRig rig = Written(0);
        rig.WithMirror(mirror => mirror with { ReadErrorLimit = 3, PreferredLeg = 0, Recovers = false });
        rig.Stop();
        rig.Start();
        for (int i = 0; i < 5; i++)
        {
            ReadWithError(rig, 0, 100 + i * 16);
            rig.Legs[0].Heal();
            rig.Legs[0].Holds = false;
            rig.Legs[0].ReleaseAll();
            rig.Loop.RunUntilIdle();
            rig.Advance(secondsBetween);
            if (!leaves)
                continue;
            Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(i < 3 ? 3 : 2), $"error {i + 1}");
            if (i == 3)
                return;
        }
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(3));
    }

    // Goal: with the switch off nothing is rewritten.
    [Test]
    public void Without_repair_nothing_is_rewritten()
    {
        MirrorRig rig = Written(0);
        rig.WithMirror(mirror => mirror with { RepairsReads = false });
        rig.Stop();
        rig.Start();
        rig.Legs[0].ClearLog();
        rig.Legs[0].Fail(new(104), new(1), Errno.EIO, BlockOperation.Read);
        rig.Read(100);
        Assert.That(rig.Legs[0].Log.Any(call => call.Operation == BlockOperation.Write), Is.False);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 RA "));
    }

    // Goal: many ranges can be mended at once.
    [Test]
    public void Many_ranges_are_mended_at_once()
    {
        MirrorRig rig = Written(0);
        rig.WithMirror(mirror => mirror with { ReadErrorLimit = 1000, PreferredLeg = 0 });
        rig.Stop();
        rig.Start();
        rig.Legs[0].Holds = true;
        var reads = new List<TestRequest>();
        for (int i = 0; i < 100; i++)
        {
            reads.Add(rig.Submit(TestRequest.Read(new(i * 300), new TestBuffer(4096))));
            rig.Legs[0].Spoil(new(i * 300), new(1));
        }
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(reads.Select(read => read.Error), Is.All.EqualTo(Errno.None));
        Assert.That(rig.Log.Of(2015), Is.Empty, "internal errors");
        Assert.That(rig.Log.Of(2017).Count(), Is.EqualTo(100));
        rig.Stop();
    }

    // Goal: a stop waits for what is being mended, and takes it into account.
    [Test]
    public void A_stop_waits_for_a_repair()
    {
        MirrorRig rig = Written(0);
        ReadWithError(rig, 0, 104);
        rig.Legs[0].Heal();
        Task stopped = rig.Device.StopAsync();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.LogDevice!.Contents()[4], Is.EqualTo(1));
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Loop.Finish(stopped);
        Assert.That(rig.LogDevice.Contents()[4], Is.EqualTo(2));
        Assert.That(rig.LogDevice.Contents()[1024], Is.EqualTo(0xFF));
        rig.Loop.Run(rig.Device.DisposeAsync);
    }

    private static IEnumerable<ScriptedCall> Writes(MirrorRig rig, int leg) =>
        rig.Legs[leg].Log.Where(call => call.Operation == BlockOperation.Write);

    // A range is written, and reads prefer one leg.
    private static MirrorRig Written(int preferred)
    {
        MirrorRig rig = new MirrorRig(log: "disk 3 log {0} nosync")
            .WithMirror(mirror => mirror with { PreferredLeg = preferred }).Start();
        rig.Write(100);
        rig.Advance(10);
        return rig;
    }

    // A leg meets an error when it reads; from then on it holds what it is asked.
    private static void ReadWithError(MirrorRig rig, int leg, long sector)
    {
        rig.Legs[leg].Holds = true;
        TestRequest read = rig.Submit(TestRequest.Read(new(sector & -4L), new TestBuffer(4096)));
        rig.Legs[leg].Fail(new(sector), new(1), Errno.EIO, BlockOperation.Read);
        rig.Legs[leg].ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That(read.Error, Is.EqualTo(Errno.None));
        Assert.That(read.Completions, Is.EqualTo(1));
    }
}
