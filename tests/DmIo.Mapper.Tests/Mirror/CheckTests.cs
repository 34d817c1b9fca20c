using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class CheckTests
{
    // Goal: a check of legs that are identical finds nothing, and has compared all of them.
    [Test]
    public void Identical_legs_are_compared_and_nothing_is_found()
    {
        MirrorRig rig = Written();
        ScrubReport report = Check(rig);
        Assert.That(report.End, Is.EqualTo(ScrubEnd.Complete));
        Assert.That(report.Compared, Is.EqualTo(rig.Sectors));
        Assert.That(report.Position, Is.EqualTo(rig.Sectors));
        Assert.That(report.Differing, Is.EqualTo(Sectors.Zero));
        Assert.That(report.Mismatches, Is.Empty);
        Assert.That(report.Legs, Is.EqualTo(7UL));
        Assert.That(rig.Legs[2].Log.Where(call => call.Operation == BlockOperation.Read).Sum(call => call.Count.Count),
            Is.EqualTo(rig.Sectors.Count), "every leg is read once");
        Assert.That(rig.Mirror.Knowledge.IsWhole);
    }

    // Goal: what differs is listed block by block: where, which legs have the same, and the first byte that differs with
    // what each leg has there.
    [Test]
    public void What_differs_is_listed()
    {
        MirrorRig rig = Written();
        Flip(rig, leg: 1, sector: 5000, byteOf: 17);
        Flip(rig, leg: 0, sector: 9000, byteOf: 3);
        Flip(rig, leg: 2, sector: 9000, byteOf: 4, by: 2);
        ScrubReport report = Check(rig);
        Assert.That(report.Differing, Is.EqualTo(new Sectors(2)));
        ScrubMismatch[] found = [.. report.Mismatches];
        Assert.That(found.Select(range => (range.Start.Count, range.Count.Count)), Is.EqualTo(new[] { (5000L, 1L), (9000L, 1L) }));
        Assert.That(found[0].Groups, Is.EqualTo(new[] { new[] { 0, 2 }, [1] }));
        Assert.That(found[0].FirstByte, Is.EqualTo(5000 * 512 + 17));
        Assert.That(found[0].Values, Is.EqualTo(new byte?[] { 0, 1, 0 }));
        Assert.That(found[1].Groups, Is.EqualTo(new[] { new[] { 0 }, [1], [2] }));
        Assert.That(found[1].FirstByte, Is.EqualTo(9000 * 512 + 3));
        Assert.That(found[1].Values, Is.EqualTo(new byte?[] { 1, 0, 0 }));
        Assert.That(found.Select(range => range.Outcome), Is.All.EqualTo(ScrubOutcome.Told));
        Assert.That(rig.Legs[1].Contents()[5000 * 512 + 17], Is.EqualTo(1), "a check changes nothing");
    }

    // Goal: neighbours that differ in the same way are one range, also across the chunks in which they are compared; those
    // that differ in another way are not.
    [Test]
    public void Neighbours_are_one_range()
    {
        MirrorRig rig = Written();
        for (int sector = 500; sector < 1600; sector++)
            Flip(rig, leg: 1, sector, byteOf: sector % 512);
        for (int sector = 1600; sector < 1610; sector++)
            Flip(rig, leg: 2, sector, byteOf: 0);
        ScrubReport report = Check(rig);
        Assert.That(report.Mismatches.Select(range => (range.Start.Count, range.Count.Count)),
            Is.EqualTo(new[] { (500L, 1100L), (1600L, 10L) }));
        Assert.That(report.Mismatches[0].FirstByte, Is.EqualTo(500 * 512 + 500));
        Assert.That(report.Differing.Count, Is.EqualTo(1110));
    }

    // Goal: the list is bounded, and the count goes on.
    [Test]
    public void The_list_is_bounded()
    {
        MirrorRig rig = Written();
        for (int i = 0; i < ScrubReport.MaxListed + 30; i++)
            Flip(rig, leg: 1, sector: i * 2, byteOf: 0);
        ScrubReport report = Check(rig);
        Assert.That(report.Mismatches, Has.Count.EqualTo(ScrubReport.MaxListed));
        Assert.That(report.Unlisted, Is.EqualTo(30));
        Assert.That(report.Differing.Count, Is.EqualTo(ScrubReport.MaxListed + 30));
    }

    // Goal: a region that a leg of the set lacks, and one that may differ, are passed over and counted, not told as a
    // mismatch.
    [Test]
    public void Regions_that_may_rightly_differ_are_passed_over()
    {
        MirrorRig rig = Written();
        rig.Mirror.Knowledge.Lack(rig.Mirror.Knowledge[1], 3);
        rig.Mirror.Knowledge.Differ(7);
        Flip(rig, leg: 1, sector: 3 * 1024 + 5, byteOf: 0);
        Flip(rig, leg: 2, sector: 7 * 1024 + 5, byteOf: 0);
        ScrubReport report = Check(rig);
        Assert.That(report.Mismatches, Is.Empty);
        Assert.That((report.LackedRegions, report.DifferingRegions), Is.EqualTo((1L, 1L)));
        Assert.That(report.Compared, Is.EqualTo(rig.Sectors - new Sectors(2048)));
        Assert.That(report.End, Is.EqualTo(ScrubEnd.Complete));
    }

    // Goal: a client's write to what is being compared waits until it is, so that a write under way is no mismatch.
    [Test]
    public void A_write_waits_for_its_turn()
    {
        MirrorRig rig = Written();
        rig.Legs[1].Holds = true;
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions());
        rig.Loop.RunUntilIdle();
        TestRequest inside = rig.Submit(TestRequest.Write(new(100), TestBuffer.Random(new(8), 9)));
        Assert.That(rig.Legs[0].Contents(new(100), new(8)).ToArray(), Is.Not.EqualTo(MirrorRig.Bytes(8, 9)));
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(inside.Error, Is.EqualTo(Errno.None));
        rig.Advance(10);
        Assert.That(rig.Loop.Finish(check).Mismatches, Is.Empty);
        rig.AssertLegsEqual();
    }

    // Goal: a write to a leg that is slow is under way when a check comes to it: the check waits.
    [Test]
    public void A_check_waits_for_writes()
    {
        MirrorRig rig = Written();
        rig.Legs[1].Holds = true;
        TestRequest write = rig.Submit(TestRequest.Write(new(100), TestBuffer.Random(new(8), 9)));
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions());
        rig.Loop.RunUntilIdle();
        rig.Advance(1);
        Assert.That(rig.Legs[0].Log.Any(call => call.Operation == BlockOperation.Read && call.Start == Sectors.Zero), Is.False);
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Advance(10);
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Loop.Finish(check).Mismatches, Is.Empty);
    }

    // Goal: a range that a leg cannot read is told to the block, the other legs are compared there, and it is mended as
    // after a client's read.
    [Test]
    public void What_cannot_be_read_is_told_and_mended()
    {
        MirrorRig rig = Written();
        rig.Legs[0].Fail(new(5008), new(1), Errno.EIO, BlockOperation.Read);
        Flip(rig, leg: 2, sector: 5008, byteOf: 9);
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions());
        rig.Loop.RunUntilIdle();
        ScrubReport report = rig.Loop.Finish(check);
        Assert.That(report.Unreadable.Single(), Is.EqualTo(new UnreadableRange(0, new(5008), new(8), Errno.EIO)));
        Assert.That(report.UnreadableSectors.Count, Is.EqualTo(8));
        ScrubMismatch found = report.Mismatches.Single();
        Assert.That((found.Start.Count, found.Count.Count), Is.EqualTo((5008L, 1L)));
        Assert.That(found.Groups, Is.EqualTo(new[] { new[] { 1 }, [2] }));
        Assert.That(found.Values[0], Is.Null);
        Assert.That(rig.Legs[0].Log.Any(call => call.Operation == BlockOperation.Write && call.Start == new Sectors(5008)),
            "it is rewritten");
    }

    // Goal: one that was cancelled is gone on with where it was, with what it had found; anew begins at the beginning.
    [Test]
    public void A_check_is_taken_up_again([Values] bool anew)
    {
        MirrorRig rig = Written();
        Flip(rig, leg: 1, sector: 100, byteOf: 0);
        Flip(rig, leg: 1, sector: 30000, byteOf: 0);
        using var cancel = new CancellationTokenSource();
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions { RateBytes = 1 << 20 }, cancel.Token);
        rig.Loop.RunUntilIdle();
        for (int i = 0; i < 40; i++)
            rig.Advance(0.1);
        cancel.Cancel();
        ScrubReport first = rig.Loop.Finish(check);
        Assert.That(first.End, Is.EqualTo(ScrubEnd.Cancelled));
        Assert.That(first.Mismatches.Single().Start.Count, Is.EqualTo(100));
        Assert.That(first.Position.Bytes >> 20, Is.InRange(3, 6), "a MiB per second");
        Assert.That(rig.Device.Scrub!.IsRunning, Is.False);
        rig.Legs[0].ClearLog();
        ScrubReport second = Check(rig, new ScrubOptions { Anew = anew });
        Assert.That(second.End, Is.EqualTo(ScrubEnd.Complete));
        Assert.That(second.Mismatches.Select(range => range.Start.Count), Is.EqualTo(new[] { 100, 30000 }));
        Assert.That(second.Compared, Is.EqualTo(rig.Sectors), "nothing twice");
        Sectors from = rig.Legs[0].Log.Where(call => call.Operation == BlockOperation.Read).Min(call => call.Start);
        Assert.That(from, Is.EqualTo(anew ? Sectors.Zero : first.Position));
        Assert.That(Check(rig).Compared, Is.EqualTo(rig.Sectors), "after a complete one the next begins at the beginning");
    }

    // Goal: how far it is can be seen, with rate and time left.
    [Test]
    public void Progress_is_told()
    {
        MirrorRig rig = Written();
        Assert.That(rig.Device.Scrub, Is.Null);
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions { RateBytes = 1 << 20 });
        rig.Loop.RunUntilIdle();
        for (int i = 0; i < 80; i++)
            rig.Advance(0.1);
        ScrubProgress progress = rig.Device.Scrub!;
        Assert.That(progress.IsRunning);
        Assert.That(progress.Percent, Is.InRange(48, 56));
        Assert.That(progress.RateBytes / 1e6, Is.InRange(1, 1.2));
        Assert.That(progress.Left.TotalSeconds, Is.InRange(6, 8));
        Assert.That(rig.Log.Of(2031), Is.Not.Empty);
        rig.Advance(20);
        for (int i = 0; i < 100; i++)
            rig.Advance(1);
        Assert.That(rig.Loop.Finish(check).End, Is.EqualTo(ScrubEnd.Complete));
        Assert.That(rig.Device.Scrub!.Percent, Is.EqualTo(100));
    }

    // Goal: beside clients it keeps to the lower rate.
    [Test]
    public void Clients_go_before()
    {
        MirrorRig rig = Written(options => options with { ScrubBusyRateBytes = 1 << 20 });
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions());
        for (int i = 0; i < 40; i++)
        {
            rig.Read(0);
            rig.Advance(0.05);
        }
        // What was at hand before the first request, and two seconds of it.
        Assert.That(rig.Device.Scrub!.Done.Bytes >> 20, Is.LessThan(5));
        rig.Advance(1);
        rig.Advance(1);
        Assert.That(rig.Loop.Finish(check).End, Is.EqualTo(ScrubEnd.Complete), "and goes on at full speed without them");
    }

    // Goal: one at a time.
    [Test]
    public void There_is_one_at_a_time()
    {
        MirrorRig rig = Written();
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions { RateBytes = 1 << 20 });
        rig.Loop.RunUntilIdle();
        Assert.That(Problem(rig, rig.Device.RepairAsync(new RepairOptions())), Does.Contain("a check of the legs is under way"));
        rig.Stop();
        Assert.That(check.Result.End, Is.EqualTo(ScrubEnd.Stopped), "a stop ends it");
    }

    // Goal: a pause lets what is at hand end and begins nothing; the same check goes on afterwards.
    [Test]
    public void A_pause_keeps_the_place()
    {
        MirrorRig rig = Written();
        rig.Legs[1].Holds = true;
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions());
        rig.Loop.RunUntilIdle();
        Task paused = rig.Mirror.Scrub.PauseAsync();
        rig.Loop.RunUntilIdle();
        Assert.That(paused.IsCompleted, Is.False, "chunks are at hand");
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.Finish(paused);
        int reads = rig.Legs[0].Log.Count;
        rig.Advance(100);
        Assert.That(rig.Legs[0].Log, Has.Count.EqualTo(reads), "nothing more is read");
        Assert.That(check.IsCompleted, Is.False);
        rig.Mirror.Scrub.Resume();
        Assert.That(rig.Loop.Finish(check).Compared, Is.EqualTo(rig.Sectors));
    }

    // Goal: without two legs in the set it ends, and keeps its place.
    [Test]
    public void A_leg_that_leaves_ends_the_check_of_two()
    {
        MirrorRig rig = new MirrorRig().WithMirror(mirror => mirror with { Recovers = false }).Start();
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions { RateBytes = 1 << 20 });
        rig.Loop.RunUntilIdle();
        rig.Advance(1);
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Write);
        rig.Write(0);
        rig.Advance(1);
        ScrubReport report = rig.Loop.Finish(check);
        Assert.That(report.End, Is.EqualTo(ScrubEnd.LegsMissing));
        Assert.That(report.Position, Is.LessThan(rig.Sectors));
        Assert.That(Problem(rig, rig.Device.CheckAsync(new ScrubOptions())), Does.Contain("only one leg is in the set"));
    }

    // Goal: a leg that hangs when it is read leaves, and the others are compared.
    [Test]
    public void A_leg_that_hangs_leaves()
    {
        MirrorRig rig = Written(options => options with { LegDeadline = TimeSpan.FromSeconds(2), Recovers = false });
        rig.Legs[2].Holds = true;
        Flip(rig, leg: 1, sector: 100, byteOf: 0);
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions());
        rig.Loop.RunUntilIdle();
        rig.Advance(3);
        rig.Advance(3);
        ScrubReport report = rig.Loop.Finish(check);
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(3UL));
        Assert.That(report.End, Is.EqualTo(ScrubEnd.Complete));
        Assert.That(report.Mismatches.Single().Groups, Is.EqualTo(new[] { new[] { 0 }, [1] }));
        rig.Legs[2].ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Stop();
    }

    // Goal: a leg that has just lost what it was to flush differs rightly: that is no mismatch, and nothing is told before
    // the flush has.
    [Test]
    public void What_a_flush_has_lost_is_no_mismatch()
    {
        MirrorRig rig = Written();
        rig.Write(100, seed: 9);
        rig.Legs[1].Contents(new(100), new(8)).Clear();
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Flush);
        Task<ScrubReport> check = rig.Device.CheckAsync(new ScrubOptions());
        rig.Loop.RunUntilIdle();
        rig.Advance(0.5);
        Assert.That(rig.Loop.Finish(check).Mismatches, Is.Empty);
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(5UL));
    }

    // Goal: beginning, what differs and the end are events.
    [Test]
    public void Events_tell_of_it()
    {
        var events = new EventRing();
        MirrorRig rig = Written(start: options => options with { Events = events });
        Flip(rig, leg: 1, sector: 100, byteOf: 0);
        Check(rig);
        Assert.That(events.Since(0).Select(e => e.Text), Is.EqualTo(new[]
        {
            "comparing the legs began at sector 0", "legs 0x2 differ: sector 100, 1 sectors",
            "comparing the legs ended, 1 sectors differed",
        }));
    }

    // Goal: who asks for what there is not is told so in a sentence; of several mirrors a sector tells which.
    [Test]
    public void What_cannot_be_checked_is_told()
    {
        var rig = new MirrorRig { TableText = "0 1024 linear leg0 0" };
        rig.Start();
        Assert.That(Problem(rig, rig.Device.CheckAsync(new ScrubOptions())), Is.EqualTo("vol0: it has no mirror, so it has no legs"));
        rig = new MirrorRig(legs: 4)
        {
            TableText = "0 1024 mirror core 2 64 nosync 2 leg0 0 leg1 0\n1024 1024 mirror core 2 64 nosync 2 leg2 0 leg3 0",
        };
        rig.With(options => options with { OpenStore = (_, path) => new MemoryStore(path) }).Start();
        Assert.That(
            Problem(rig, rig.Device.CheckAsync(new ScrubOptions())),
            Is.EqualTo("vol0: it has mirrors at the sectors 0, 1024; say which by a sector of it"));
        Assert.That(
            Problem(rig, rig.Device.CheckAsync(new ScrubOptions { At = new(2048) })), Does.Contain("sector 2048 lies in no mirror"));
        Flip(rig, leg: 3, sector: 7, byteOf: 0);
        ScrubMismatch found = Check(rig, new ScrubOptions { At = new(1030) }).Mismatches.Single();
        Assert.That((found.Start.Count, found.FirstByte), Is.EqualTo((1031L, 1031L * 512)));
        Assert.That(Problem(rig, rig.Device.RepairAsync(new RepairOptions { At = new(0), From = 2 })), Does.Contain("--from 2 names no leg"));
    }

    internal static MirrorRig Written(
        Func<MirrorOptions, MirrorOptions>? change = null, Func<MappedDeviceOptions, MappedDeviceOptions>? start = null,
        string log = "core 2 {0} nosync", int legs = 3)
    {
        MirrorRig rig = new MirrorRig(legs: legs, log: log).WithMirror(change ?? (mirror => mirror)).With(start ?? (options => options));
        rig.Start();
        rig.Write(100);
        rig.Advance(10);
        foreach (ScriptedDevice leg in rig.Legs)
            leg.ClearLog();
        return rig;
    }

    internal static void Flip(MirrorRig rig, int leg, int sector, int byteOf, byte by = 1) =>
        rig.Legs[leg].Contents(new(sector), new(1))[byteOf] ^= by;

    internal static string Problem(MirrorRig rig, Task task)
    {
        rig.Loop.RunUntilIdle();
        Assert.That(task.IsFaulted, "it is refused");
        Assert.That(task.Exception!.InnerException, Is.InstanceOf<MapperException>());
        return task.Exception.InnerException!.Message;
    }

    private static ScrubReport Check(MirrorRig rig, ScrubOptions? options = null) =>
        rig.Loop.Finish(rig.Device.CheckAsync(options ?? new ScrubOptions()));
}
