using DmIo.Testing;
using static DmIo.Mapper.Tests.CheckTests;

namespace DmIo.Mapper.Tests;

public sealed class LegByHandTests
{
    private const string CoreLog = "core 2 {0} nosync";
    private const string DiskLog = "disk 3 log {0} nosync";

    // Goal: a leg that is failed by hand is out of the set, durably, when the call ends; writes go on without it, and it is
    // not looked at.
    [Test]
    public void A_leg_is_taken_out_of_the_set([Values(CoreLog, DiskLog)] string log)
    {
        MirrorRig rig = Written(log: log, legs: 2);
        rig.Loop.Finish(rig.Device.FailLegAsync(1));
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(1UL));
        Assert.That(rig.Status, Does.Contain(" 1 AD "));
        Assert.That(rig.Mirror.AreFailuresRecorded);
        rig.Legs[1].ClearLog();
        Assert.That(rig.Write(5000), Is.EqualTo(Errno.None));
        rig.Advance(1000);
        Assert.That(rig.Legs[1].Log, Is.Empty, "nothing is asked of it");
        Assert.That(rig.Mirror.Knowledge[1].Lacks.Contains(4));
        Assert.That(rig.Device.LegFacts()[1], Has.Property("IsFailedByHand").True.And.Property("IsInSet").False);
    }

    // Goal: it is recorded before the call ends, and a call that could not record it says so.
    [Test]
    public void The_call_ends_when_it_is_recorded([Values] bool fails)
    {
        MirrorRig rig = Written(legs: 2);
        rig.Store.Holds = true;
        Task failing = rig.Device.FailLegAsync(1);
        rig.Loop.RunUntilIdle();
        Assert.That(failing.IsCompleted, Is.False);
        rig.Store.Error = fails ? Errno.ENOSPC : Errno.None;
        rig.Store.Holds = false;
        rig.Store.ReleaseFirst();
        if (fails)
        {
            Assert.That(Problem(rig, failing), Does.Contain("leg 1 is out of the set, but").And.Contains("cannot be written"));
            return;
        }
        rig.Loop.Finish(failing);
        rig.AssertRecorded("in", "out");
        Assert.That(rig.Store.State.Legs[1].FailedByHand, Is.True);
    }

    // Goal: cleared, it is looked at at once, returns, and what it lacks is copied.
    [Test]
    public void A_leg_that_is_cleared_returns([Values(CoreLog, DiskLog)] string log)
    {
        MirrorRig rig = Written(log: log);
        rig.Loop.Finish(rig.Device.FailLegAsync(2));
        rig.Write(5000, seed: 9);
        rig.Loop.Finish(rig.Device.ClearLegAsync(2));
        rig.Advance(0);
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(7UL));
        rig.Advance(10);
        rig.AssertLegsEqual();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AAA "));
        rig.Stop();
    }

    // Goal: it stays out over a restart, a clean one or not, until it is cleared; a start needs no word about it.
    [Test]
    public void It_stays_out_after_a_restart([Values(CoreLog, DiskLog)] string log, [Values] bool crash)
    {
        MirrorRig rig = Written(log: log, legs: 2);
        rig.Loop.Finish(rig.Device.FailLegAsync(1));
        rig.Write(5000, seed: 9);
        for (int i = 0; i < 2; i++)
        {
            if (crash)
                rig.Crash();
            else
                rig.Stop();
            rig.Start();
            rig.Advance(1000);
            Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(1UL), $"start {i + 1}");
            Assert.That(rig.Status, Does.Contain(" 1 AD "));
            Assert.That(rig.Read(5000).Data, Is.EqualTo(MirrorRig.Bytes(8, 9)));
        }
        rig.Loop.Finish(rig.Device.ClearLegAsync(1));
        rig.Advance(0);
        rig.Advance(10);
        rig.AssertLegsEqual();
        rig.Stop();
        rig.Start();
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(3UL), "that it was cleared is recorded too");
    }

    // Goal: after a restart it is used all the same when no other leg is there that holds what it holds, and that is told.
    [Test]
    public void A_leg_that_is_needed_is_used()
    {
        MirrorRig rig = Written(legs: 2);
        rig.Loop.Finish(rig.Device.FailLegAsync(1));
        rig.Stop();
        rig.Miss(0);
        rig.Start();
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(2UL));
        Assert.That(rig.Log.Of(2005).Last(), Does.Contain("was told not to use leg 1 and does, since leg 1 (leg1) is the only one"));
        Assert.That(rig.Read(100).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    // Goal: the last holder of something is not failed, and what it alone holds is told.
    [Test]
    public void The_last_holder_stays()
    {
        MirrorRig rig = Written(options => options with { Recovers = false });
        rig.Loop.Finish(rig.Device.FailLegAsync(0));
        rig.Mirror.Knowledge.Lack(rig.Mirror.Knowledge[2], 4);
        rig.Mirror.Knowledge.Lack(rig.Mirror.Knowledge[2], 5);
        rig.Mirror.Knowledge.Lack(rig.Mirror.Knowledge[2], 9);
        Assert.That(
            Problem(rig, rig.Device.FailLegAsync(1)),
            Is.EqualTo("vol0: leg 1 (leg1) alone holds regions 4-5, 9; wait until recovery has copied them to another leg"));
        rig.Loop.Finish(rig.Device.FailLegAsync(2));
        Assert.That(Problem(rig, rig.Device.FailLegAsync(1)), Does.Contain("leg 1 (leg1) is the only one in the set"));
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(2UL));
        Assert.That(Problem(rig, rig.Device.FailLegAsync(3)), Does.Contain("there is no leg 3"));
        Assert.That(Problem(rig, rig.Device.ClearLegAsync(-1)), Does.Contain("there is no leg -1"));
    }

    // Goal: a leg that alone can be read for a write that was answered early stays: who else has it lacks something else
    // there.
    [Test]
    public void A_leg_that_alone_has_a_write_stays()
    {
        MirrorRig rig = Written(options => options with { WriteQuorum = 1, Recovers = false });
        rig.Mirror.Knowledge.Lack(rig.Mirror.Knowledge[2], 4);
        rig.Legs[0].Holds = true;
        Assert.That(rig.Write(4096 + 8, seed: 9), Is.EqualTo(Errno.None), "answered early");
        Assert.That(Problem(rig, rig.Device.FailLegAsync(1)), Does.Contain("alone has writes that were answered"));
        Assert.That(rig.Read(4096 + 8).Data, Is.EqualTo(MirrorRig.Bytes(8, 9)));
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Loop.Finish(rig.Device.FailLegAsync(1));
        Assert.That(rig.Read(4096 + 8).Data, Is.EqualTo(MirrorRig.Bytes(8, 9)));
    }

    // Goal: a leg that is failed while it is looked at does not return.
    [Test]
    public void A_leg_that_is_looked_at_does_not_return()
    {
        MirrorRig rig = Written(legs: 2);
        rig.Legs[1].Fail(new(5000), new(1), Errno.EIO, BlockOperation.Write);
        rig.Write(5000);
        rig.Legs[1].Heal();
        rig.Legs[1].Holds = true;
        rig.Advance(2);
        Assert.That(rig.Legs[1].Held, Is.Not.Empty, "it is looked at");
        rig.Loop.Finish(rig.Device.FailLegAsync(1));
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Advance(100);
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(1UL));
    }

    // Goal: a leg that is in the set forgets its errors and how many reads it failed.
    [Test]
    public void Errors_are_forgotten()
    {
        MirrorRig rig = Written(options => options with { ReadErrorLimit = 2, PreferredLeg = 0, Recovers = false }, legs: 2);
        for (int i = 0; i < 6; i++)
        {
            rig.Legs[0].Holds = true;
            rig.Submit(TestRequest.Read(new(100 + i * 16), new TestBuffer(4096)));
            rig.Legs[0].FailAll(Errno.EIO, BlockOperation.Read);
            rig.Legs[0].ReleaseFirst();
            rig.Legs[0].Heal();
            rig.Legs[0].Holds = false;
            rig.Loop.RunUntilIdle();
            rig.Legs[0].ReleaseAll();
            rig.Loop.RunUntilIdle();
            Assert.That(rig.Status, Does.Contain(" 1 RA "));
            Assert.That(rig.Device.LegFacts()[0].Reads.Errors, Is.EqualTo(1));
            rig.Loop.Finish(rig.Device.ClearLegAsync(0));
            Assert.That(rig.Status, Does.Contain(" 1 AA "));
            Assert.That(rig.Device.LegFacts()[0].LastFailure, Is.Null);
        }
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(3UL));
    }
}
