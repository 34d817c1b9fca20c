using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class LogFailureTests
{
    // Goal: with all legs good the mirror goes on without its log, the state file says so before the write is done, the
    // status shows D, and the next start copies everything.
    [Test]
    public void A_log_that_cannot_be_written_is_done_without()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.FailAll();
        rig.Store.Holds = true;
        TestRequest write = rig.Submit(Write(0, 5));
        Assert.That(write.IsCompleted, Is.False);
        Assert.That(rig.Legs[0].Log, Is.Empty);
        rig.Store.Holds = false;
        rig.Store.ReleaseFirst();
        rig.Loop.RunUntilIdle();
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 32/32 1 AA 3 disk log D"));
        Assert.That(rig.Store.State.LogLost);
        Assert.That(rig.Write(2000), Is.EqualTo(Errno.None));
        rig.Legs[1].Holds = true;
        rig.Submit(Write(0, 6));
        rig.Crash();
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        Assert.That(rig.Status, Does.Contain(" 0/32 "));
        Assert.That(rig.Log.Of(2022), Is.Not.Empty);
        rig.Stop();
        rig.WithMirror(_ => new MirrorOptions()).Start();
        rig.Advance(5);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA 3 disk log A"));
        rig.AssertLegsEqual();
        Assert.That(rig.Store.State.LogLost, Is.False);
        rig.Stop();
        Assert.That(rig.LogDevice!.Contents()[4], Is.EqualTo(2), "all is clean again, and the kernel's");
    }

    // Goal: a log that is written and cannot be flushed shows F, which counts above D.
    [Test]
    public void A_log_that_cannot_be_flushed_shows_F()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.FailAll(Errno.EIO, BlockOperation.Flush);
        Assert.That(rig.Write(0), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Does.EndWith(" 3 disk log F"));
        rig.LogDevice.FailAll();
        rig.Advance(20);
        Assert.That(rig.Status, Does.EndWith(" 3 disk log F"));
    }

    // Goal: a log that works again is used again: A, its bits are those of the moment, and a crash copies no more than
    // they say.
    [Test]
    public void A_log_that_works_again_is_believed_again()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.FailAll();
        for (int region = 0; region < 4; region++)
            rig.Write(region * 1024);
        rig.Advance(6);
        Assert.That(rig.Status, Does.EndWith(" 3 disk log D"), "it was tried, and failed");
        rig.LogDevice.Heal();
        rig.Legs[1].Holds = true;
        TestRequest last = rig.Submit(Write(7 * 1024, 7));
        rig.Advance(6);
        Assert.That(rig.Status, Does.EndWith(" 3 disk log A"));
        Assert.That(rig.Store.State.LogLost, Is.False);
        Assert.That(last.IsCompleted, Is.False);
        rig.Crash();
        rig.Start();
        Assert.That(rig.Log.Of(2006).Last(), Does.Match("recovery begins, [1-5] regions"));
        rig.AssertLegsEqual();
    }

    // Goal: writes that come while the log is being found to fail, or while it is tried again, do not wait for the next try.
    [Test]
    public void Writes_do_not_wait_for_the_next_try()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.Holds = true;
        for (int round = 0; round < 3; round++)
        {
            TestRequest first = rig.Submit(Write(round * 4096, 1));
            Assert.That(rig.LogDevice.Held, Is.Not.Empty);
            TestRequest second = rig.Submit(Write(round * 4096 + 2048, 2));
            rig.LogDevice.FailAll();
            while (rig.LogDevice.Held.Count > 0)
            {
                rig.LogDevice.ReleaseFirst();
                rig.Loop.RunUntilIdle();
            }
            Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((true, true)), $"round {round}");
            rig.Advance(5);
        }
    }

    // Goal: while the log comes back, no write is under way that it does not know: with its first good commit held, the
    // state file still says that it is lost.
    [Test]
    public void The_log_is_believed_only_when_it_knows_all()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.FailAll();
        rig.Write(0);
        rig.LogDevice.Heal();
        rig.LogDevice.Holds = true;
        rig.Advance(6);
        Assert.That(rig.LogDevice.Held, Is.Not.Empty, "it is tried again");
        // These come when the commit was put together already.
        rig.Legs[1].Holds = true;
        TestRequest write = rig.Submit(Write(5 * 1024, 5));
        while (rig.Store.State.LogLost && rig.LogDevice.Held.Count > 0)
        {
            rig.LogDevice.ReleaseFirst();
            rig.Loop.RunUntilIdle();
        }
        Assert.That(rig.Store.State.LogLost, Is.False);
        Assert.That(write.IsCompleted, Is.False);
        rig.Crash();
        rig.Start();
        rig.AssertLegsEqual();
    }

    // Goal: without a log, a leg that fails cannot be told of, so nothing that it lacks is acknowledged: EIO, every time,
    // and when the log works again, success.
    [Test]
    public void A_leg_that_fails_meanwhile_makes_it_EIO()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.FailAll();
        Assert.That(rig.Write(0), Is.EqualTo(Errno.None));
        rig.Legs[0].FailAll();
        for (int i = 0; i < 3; i++)
        {
            Assert.That(rig.Write(0, seed: 10 + i), Is.EqualTo(Errno.EIO), $"write {i}");
            // The region is settled and forgotten in between.
            rig.Advance(20);
        }
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.EIO));
        rig.LogDevice.Heal();
        rig.Advance(6);
        Assert.That(rig.Write(0, seed: 20), Is.EqualTo(Errno.None));
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        rig.Crash();
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 20)));
    }

    // Goal: the same with the log failing after the leg.
    [Test]
    public void A_log_that_fails_while_a_leg_is_out_makes_it_EIO()
    {
        MirrorRig rig = Born();
        rig.Legs[1].FailAll();
        Assert.That(rig.Write(0), Is.EqualTo(Errno.None));
        rig.LogDevice!.FailAll();
        Assert.That(rig.Write(8), Is.EqualTo(Errno.None), "this is recorded already");
        Assert.That(rig.Write(5 * 1024), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Store.Text, Is.Null, "the log is not done without");
        rig.LogDevice.Heal();
        Assert.That(rig.Write(5 * 1024), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Does.Contain(" 30/32 1 AD 3 disk log A"));
    }

    // Goal: with WhenUnrecorded.Hold such writes wait until the log works, and then succeed.
    [Test]
    public void Held_writes_wait_for_the_log()
    {
        MirrorRig rig = Born(mirror => mirror with { WhenUnrecorded = WhenUnrecorded.Hold, Recovers = false });
        rig.Legs[1].FailAll();
        rig.Write(0);
        rig.LogDevice!.FailAll();
        TestRequest write = rig.Submit(Write(5 * 1024, 5));
        rig.Advance(30);
        Assert.That(write.IsCompleted, Is.False);
        rig.LogDevice.Heal();
        rig.Advance(6);
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
    }

    // Goal: a stop while the log is lost leaves what the next start needs: it copies everything.
    [Test]
    public void A_stop_without_the_log()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.FailAll();
        rig.Write(0);
        rig.Stop();
        Assert.That(rig.Store.State.LogLost);
        rig.LogDevice.Heal();
        rig.Start();
        Assert.That(rig.Log.Of(2006).Last(), Does.Contain("recovery begins, 32 regions"));
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA 3 disk log A"));
        rig.Stop();
        Assert.That(rig.Store.State.LogLost, Is.False);
    }

    // Goal: a stop that finds the log working again leaves no doubt.
    [Test]
    public void A_stop_with_the_log_back()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.FailAll();
        rig.Write(0);
        rig.LogDevice.Heal();
        rig.Stop();
        Assert.That(rig.Store.State.LogLost, Is.False);
        rig.Log.Clear();
        rig.Start();
        Assert.That(rig.Log.Of(2006), Is.Empty);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA 3 disk log A"));
    }

    // Goal: a stop is the end: a log that failed is not written any more when it works again. Others may have it by then.
    [Test]
    public void What_has_stopped_writes_no_log()
    {
        MirrorRig rig = Born();
        rig.Legs[1].FailAll();
        rig.Write(0);
        // The stop finds out that the other leg has failed too, and wants to record it when it ends.
        rig.Legs[0].FailAll(Errno.EIO, BlockOperation.Flush);
        rig.LogDevice!.FailAll();
        rig.Loop.Run(async () =>
        {
            try
            {
                await rig.Device.StopAsync();
                Assert.Fail("the stop has a log");
            }
            catch (IOException)
            {
                await rig.Device.DisposeAsync();
            }
        });
        rig.LogDevice.Heal();
        rig.LogDevice.ClearLog();
        rig.Advance(30);
        Assert.That(rig.LogDevice.Log, Is.Empty);
    }

    // Goal: what could not be struck from the record in time is struck later: it never makes a leg seem to lack what it
    // has when another leaves.
    [Test]
    public void A_flush_that_failed_leaves_nothing_in_the_record()
    {
        MirrorRig rig = Born();
        rig.Legs[1].FailAll();
        rig.Write(3 * 1024, seed: 1);
        rig.Legs[1].Heal();
        rig.Advance(3);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA"));
        rig.LogDevice!.Fail(new(0), new(512), Errno.EIO, BlockOperation.Write);
        rig.Write(4 * 1024);
        rig.LogDevice.Heal();
        rig.Advance(20);
        rig.Legs[0].FailAll();
        Assert.That(rig.Write(3 * 1024, seed: 2), Is.EqualTo(Errno.None));
        rig.Crash();
        rig.WithMirror(_ => MirrorRig.AsTheKernel).Start();
        Assert.That(rig.Read(3 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    private static MirrorRig Born(Func<MirrorOptions, MirrorOptions>? mirror = null) =>
        new MirrorRig(log: "disk 3 log {0} nosync").WithMirror(mirror ?? (options => options)).Start();

    private static TestRequest Write(long sector, int seed) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed));
}
