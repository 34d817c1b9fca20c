using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class AcknowledgementTests
{
    // Goal: a write that one leg lacks is not acknowledged before the state file durably names that leg; then it is.
    [Test]
    public void No_degraded_acknowledgement_before_the_record()
    {
        MirrorRig rig = Open();
        rig.Legs[1].FailAll();
        rig.Store.Holds = true;
        TestRequest write = rig.Submit(Write(0));
        Assert.That(write.IsCompleted, Is.False);
        rig.AssertRecorded("in", "in");
        rig.Store.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
        // Region 29 was written before and not flushed since.
        rig.AssertRecorded("in", "out 0, 29");
        Assert.That(rig.Store.State.Epoch, Is.EqualTo(1));
    }

    // Goal: requests that come after the failure and skip the leg wait for the record as well; one save serves all.
    [Test]
    public void Later_writes_wait_for_the_same_record()
    {
        MirrorRig rig = Open();
        rig.Legs[1].FailAll();
        rig.Store.Holds = true;
        TestRequest[] writes = [.. Enumerable.Range(0, 5).Select(i => rig.Submit(Write(i * 100)))];
        TestRequest flush = rig.Submit(TestRequest.Flush());
        Assert.That(writes.Append(flush).Any(request => request.IsCompleted), Is.False);
        Assert.That(rig.Store.Held, Is.EqualTo(1));
        rig.Store.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That(writes.Append(flush).Select(request => request.Completions), Is.All.EqualTo(1));
        Assert.That(writes.Append(flush).Select(request => request.Error), Is.All.EqualTo(Errno.None));
        Assert.That(rig.Store.Held, Is.Zero);
    }

    // Goal: what reached both legs is acknowledged at once, whatever the record is doing.
    [Test]
    public void A_whole_write_does_not_wait()
    {
        MirrorRig rig = Open();
        rig.Legs[1].Holds = true;
        TestRequest whole = rig.Submit(Write(0));
        TestRequest failing = rig.Submit(Write(100));
        rig.Store.Holds = true;
        rig.Legs[1].Fail(new(100), new(1));
        rig.Legs[1].Release(rig.Legs[1].Held[1]);
        rig.Loop.RunUntilIdle();
        rig.Legs[1].ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That((whole.IsCompleted, failing.IsCompleted), Is.EqualTo((true, false)));
        rig.Store.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That(failing.Error, Is.EqualTo(Errno.None));
    }

    // Goal: a second leg that fails while the record of the first is being saved gets a save of its own.
    [Test]
    public void A_second_failure_waits_for_the_second_record()
    {
        MirrorRig rig = Open(legs: 3);
        rig.Store.Holds = true;
        rig.Legs[1].FailAll();
        TestRequest first = rig.Submit(Write(0));
        rig.Legs[2].FailAll();
        TestRequest second = rig.Submit(Write(100));
        rig.Store.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((true, false)));
        rig.Store.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That(second.Error, Is.EqualTo(Errno.None));
        rig.AssertRecorded("in", "out 0, 29", "out 0, 29");
    }

    // Goal: while the record that a leg is in sync again is being saved, the file may already say so: a write that this
    // leg then fails waits for the record that it is out once more.
    [Test]
    public void A_leg_that_fails_while_it_is_recorded_as_in_sync_is_recorded_again()
    {
        MirrorRig rig = Open();
        rig.Legs[1].FailAll();
        rig.Write(0);
        rig.Stop();
        rig.Legs[1].Heal();
        rig.Legs[1].Holds = true;
        rig.StartBusy();
        TestRequest before = rig.Submit(Write(20000));
        rig.Store.Holds = true;
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That((before.IsCompleted, rig.Store.Held), Is.EqualTo((true, 1)), "the copy is done and being recorded");
        rig.Legs[1].FailAll();
        TestRequest write = rig.Submit(Write(0, 5));
        Assert.That(write.IsCompleted, Is.False);
        rig.Store.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Recorded.Last(), Does.StartWith("in"));
        Assert.That(write.IsCompleted, Is.False);
        while (rig.Store.Held > 0 && !write.IsCompleted)
        {
            rig.Store.ReleaseFirst();
            rig.Loop.RunUntilIdle();
        }
        Assert.That(rig.Recorded.Last(), Does.StartWith("out 0"));
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        Assert.That(write.IsCompleted);
    }

    // Goal: when the record cannot be saved the write gets EIO, not a promise; once it can, writes succeed again.
    [Test]
    public void Without_a_record_the_answer_is_EIO()
    {
        MirrorRig rig = Open();
        rig.Legs[1].FailAll();
        rig.Store.Error = Errno.ENOSPC;
        Assert.That(rig.Write(0), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Write(100), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Log.Of(2010).Count(), Is.EqualTo(1), "told once");
        rig.Store.Error = Errno.None;
        Assert.That(rig.Write(200), Is.EqualTo(Errno.None));
        Assert.That(rig.Recorded.Last(), Does.StartWith("out 0"));
    }

    // Goal: no leg is touched by a change before the file says that writes may be in flight; reads do not wait for
    // that.
    [Test]
    public void The_first_write_waits_for_the_mark()
    {
        MirrorRig rig = new MirrorRig().Start();
        Assert.That(rig.Store.State.Clean, Is.True);
        rig.Store.Holds = true;
        TestRequest write = rig.Submit(Write(0));
        TestRequest zeroes = rig.Submit(TestRequest.WriteZeroes(new(100), new(8)));
        Assert.That(rig.Read(0).Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Legs.SelectMany(leg => leg.Log).Any(call => call.Operation != BlockOperation.Read), Is.False);
        rig.Store.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That((write.Error, write.Completions, zeroes.Completions), Is.EqualTo((Errno.None, 1, 1)));
        Assert.That(rig.Store.State.Clean, Is.False);
        int saves = rig.Store.Saves;
        rig.Write(200);
        Assert.That(rig.Store.Saves, Is.EqualTo(saves), "the hot path does not touch the record");
    }

    // Goal: when the mark cannot be saved, the write fails and nothing was written; the next one tries again.
    [Test]
    public void Without_the_mark_nothing_is_written()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Store.Error = Errno.EROFS;
        Assert.That(rig.Write(0), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Legs[0].Log, Is.Empty);
        rig.Store.Error = Errno.None;
        Assert.That(rig.Write(0), Is.EqualTo(Errno.None));
    }

    // Goal: FUA and flush reach every leg of the set in one request each.
    [Test]
    public void FUA_and_flush_reach_every_leg()
    {
        MirrorRig rig = Open(legs: 3);
        rig.Write(0, flags: BlockFlags.Fua);
        rig.Do(TestRequest.Flush());
        foreach (ScriptedDevice leg in rig.Legs)
        {
            Assert.That(leg.Log.TakeLast(2), Is.EqualTo(new ScriptedCall[]
            {
                new(BlockOperation.Write, BlockFlags.Fua, new(0), new(8)),
                new(BlockOperation.Flush, BlockFlags.None, default, default),
            }));
        }
    }

    // Goal: when the legs fail different writes at the same time, the one that stays is never dropped, and a write that
    // only the dropped leg holds is no success.
    [Test]
    public void Crossed_failures_leave_one_leg_and_no_lie()
    {
        MirrorRig rig = Open();
        foreach (ScriptedDevice leg in rig.Legs)
            leg.Holds = true;
        TestRequest a = rig.Submit(Write(0));
        TestRequest b = rig.Submit(Write(2000));
        rig.Legs[0].Fail(new(0), new(8));
        rig.Legs[1].Fail(new(2000), new(8));
        foreach (ScriptedDevice leg in rig.Legs)
            leg.ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That((a.Error, b.Error), Is.EqualTo((Errno.None, Errno.EIO)));
        Assert.That(rig.Recorded.Select(leg => leg.Split(' ')[0]), Is.EqualTo(new[] { "out", "in" }));
        Assert.That(rig.Status, Does.Contain("29/32 1 DD"), "regions 0 and 1, and 29 that was not flushed");
    }

    // Goal: all legs failing is EIO for the client, for writes and flushes; no leg is dropped, and the file says none
    // is.
    [Test]
    public void All_legs_failing_drops_none()
    {
        MirrorRig rig = Open(legs: 3, mirror => mirror with { Recovers = false });
        foreach (ScriptedDevice leg in rig.Legs)
            leg.FailAll(Errno.ENOSPC);
        Assert.That(rig.Write(0), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Write(0), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Log.Of(2003).Count(), Is.EqualTo(3), "each leg is told once");
        Assert.That(rig.Log.Of(2002), Is.Empty);
        foreach (ScriptedDevice leg in rig.Legs)
            leg.Heal();
        Assert.That(rig.Write(0, seed: 4), Is.EqualTo(Errno.None));
        rig.Stop();
        rig.AssertRecorded("in", "in", "in");
    }

    // Goal: overlapping writes take turns, and the legs end up the same whichever order the legs answer in.
    [Test]
    public void Overlapping_writes_take_turns()
    {
        MirrorRig rig = Open();
        foreach (ScriptedDevice leg in rig.Legs)
            leg.Holds = true;
        TestRequest[] writes = [rig.Submit(Write(0, 1)), rig.Submit(Write(4, 2)), rig.Submit(Write(0, 3))];
        Assert.That(rig.Legs.Select(leg => leg.Held.Count), Is.All.EqualTo(1));
        while (rig.Legs.Any(leg => leg.Held.Count > 0))
        {
            rig.Legs[1].ReleaseAll();
            rig.Legs[0].ReleaseAll();
            rig.Loop.RunUntilIdle();
        }
        Assert.That(writes.Select(write => write.Completions), Is.All.EqualTo(1));
        rig.AssertLegsEqual();
        Assert.That(rig.Legs[0].Contents(new(0), new(8)).SequenceEqual(MirrorRig.Bytes(8, 3)));
    }

    // Goal: requests on the way through a whole mirror allocate nothing once the pools are warm.
    [Test]
    public void The_hot_path_allocates_nothing()
    {
        MirrorRig rig = Open();
        TestRequest write = Write(0);
        TestRequest read = TestRequest.Read(new(0), new TestBuffer(4096));
        long allocated = 0;
        for (int i = 0; i < 300; i++)
        {
            if (i == 200)
                allocated = GC.GetAllocatedBytesForCurrentThread();
            rig.Submit(write);
            rig.Submit(read);
            if (i == 199)
                rig.Legs.ForEach(leg => leg.ClearLog());
        }
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - allocated, Is.Zero);
    }

    private static MirrorRig Open(int legs = 2, Func<MirrorOptions, MirrorOptions>? mirror = null)
    {
        MirrorRig rig = new MirrorRig(legs).WithMirror(mirror ?? (options => options)).Start();
        Assert.That(rig.Write(30000), Is.EqualTo(Errno.None));
        return rig;
    }

    private static TestRequest Write(long sector, int seed = 1) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed));
}
