using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// The world stops before any operation of any device, and what the log device had not flushed is lost in part: whatever
/// is left, no leg may be believed to hold what it lacks.
/// </summary>
public sealed class LogCrashTests
{
    // Goal: a birth that is cut off is no birth, or one with the leg that was said to be right.
    [TestCase(0)]
    [TestCase(1)]
    public void Birth_with_a_leg_that_is_right(int right)
    {
        var crash = new CrashRig(log: "disk 2 log {0}");
        for (int region = 0; region < CrashRig.Regions; region++)
        {
            crash.Put(0, region, 1000 + region);
            crash.Put(1, region, 2000 + region);
            crash.Allowed[region] = [crash.Contents(right, region)];
        }
        crash.Rig.With(options => options with { SyncFrom = right }).Start();
        crash.Rig.Stop();
        Assert.That(crash.CheckAll().Refused, Is.Zero, "the same start again is enough");
        (int starts, int refused) = crash.CheckAll(
            rig => rig.With(options => options with { SyncFrom = null }), mayRefuse: true);
        Assert.That(refused, Is.InRange(1, starts - 1));
    }

    // Goal: a birth with legs that are the same already.
    [Test]
    public void Birth_of_legs_in_sync()
    {
        var crash = new CrashRig();
        crash.Rig.Start();
        crash.Write(3, 1);
        crash.Rig.Stop();
        Assert.That(crash.CheckAll().Starts, Is.GreaterThan(10));
    }

    // Goal: while a leg leaves, between the failure and the acknowledgements of what it lacks, and after it.
    [TestCase(0, 2)]
    [TestCase(1, 2)]
    [TestCase(0, 3)]
    [TestCase(2, 3)]
    public void A_leg_leaves(int leaving, int legs)
    {
        var crash = new CrashRig(legs);
        crash.Rig.Start();
        for (int region = 0; region < 8; region++)
            crash.Write(region, 10 + region);
        crash.Forget();
        crash.Rig.Legs[leaving].FailAll();
        crash.Write(3, 50);
        crash.Write(20, 51);
        crash.Write(3, 52);
        crash.Write(21, 53);
        Assert.That(crash.Allowed.Count(allowed => allowed.Length > 1), Is.Zero, "all is acknowledged");
        crash.Remember();
        crash.Rig.Stop();
        crash.Remember();
        Assert.That(crash.CheckAll().Starts, Is.GreaterThan(10));
    }

    // Goal: while a leg returns, catches up and leaves again.
    [TestCase(0)]
    [TestCase(1)]
    public void A_leg_returns(int leaving)
    {
        var crash = new CrashRig();
        crash.Rig.WithMirror(_ => new MirrorOptions()).Start();
        crash.Rig.Legs[leaving].FailAll();
        for (int region = 0; region < 8; region++)
            crash.Write(region, 10 + region);
        crash.Forget();
        crash.Rig.Legs[leaving].Heal();
        crash.Rig.Advance(3);
        Assert.That(crash.Rig.Status, Does.Contain(" 32/32 "));
        crash.Write(3, 20);
        crash.Rig.Advance(10);
        crash.Rig.Legs[1 - leaving].FailAll();
        crash.Write(3, 30);
        crash.Write(9, 31);
        crash.Remember();
        (int starts, _) = crash.CheckAll(rig => rig.WithMirror(_ => MirrorRig.AsTheKernel));
        Assert.That(starts, Is.GreaterThan(20));
    }

    // Goal: what a killed program's last writes said of a leg that had caught up is durable before the next start rests on it
    // and believes the other leg no more: cut off by a power failure, that start leaves a leg that holds every region.
    // The same of what a failed flush forgot, and of regions that were being written.
    [Test]
    public void A_start_after_a_kill_is_cut_off([Values(0, 1)] int leaving, [Values] bool forgotten)
    {
        var crash = new CrashRig();
        crash.Rig.WithMirror(_ => new MirrorOptions()).Start();
        crash.Rig.Legs[leaving].FailAll();
        for (int region = 0; region < 4; region++)
            crash.Write(region, 10 + region);
        crash.Rig.Legs[leaving].Heal();
        crash.Forget();
        crash.Rig.Advance(3);
        crash.Write(20, 30);
        crash.Remember();
        (int cut, int starts) = crash.CheckCutStarts(forgotten, unsynced: 1 - leaving, written: 20);
        Assert.That((cut > 3, starts > 100), Is.EqualTo((true, true)), $"{cut} starts cut, {starts} after them");
    }

    // Goal: while a leg that nobody knows takes another's place, the start is never refused, and the new one never
    // believed before it was copied to.
    [TestCase(0, true)]
    [TestCase(1, true)]
    [TestCase(0, false)]
    [TestCase(1, false)]
    public void A_leg_is_replaced(int replaced, bool clean)
    {
        var crash = new CrashRig();
        crash.Rig.Start();
        for (int region = 0; region < 8; region++)
            crash.Write(region, 10 + region);
        if (clean)
            crash.Rig.Stop();
        else
            Abandon(crash);
        crash.Forget();
        Replace(crash.Rig, replaced);
        for (int region = 0; region < CrashRig.Regions; region++)
            crash.Put(replaced, region, 500 + region);
        crash.Rig.Start();
        crash.Rig.Stop();
        (int starts, int refused) = crash.CheckAll(rig => Replace(rig, replaced));
        Assert.That((starts > 5, refused), Is.EqualTo((true, 0)));
    }

    // Goal: while a leg that lacks data is replaced by one that takes its place in the record, the old one is not believed
    // when it is in the table again.
    [TestCase(0)]
    [TestCase(1)]
    public void A_replaced_leg_returns(int replaced)
    {
        var crash = new CrashRig();
        crash.Rig.Start();
        for (int region = 0; region < 8; region++)
            crash.Write(region, 10 + region);
        crash.Rig.Legs[replaced].FailAll();
        crash.Write(3, 50);
        crash.Rig.Stop();
        crash.Rig.Legs[replaced].Heal();
        crash.Forget();
        Replace(crash.Rig, replaced);
        crash.Rig.Start();
        crash.Rig.Stop();
        (int starts, int refused) = crash.CheckAll();
        Assert.That((starts > 5, refused), Is.EqualTo((true, 0)));
    }

    // Goal: while a start is forced with a leg that lacks data.
    [TestCase(0, false)]
    [TestCase(1, false)]
    [TestCase(0, true)]
    [TestCase(1, true)]
    public void A_forced_start(int stale, bool otherMissing)
    {
        var crash = new CrashRig();
        crash.Rig.Start();
        for (int region = 0; region < 8; region++)
            crash.Write(region, 10 + region);
        crash.Rig.Legs[stale].FailAll();
        crash.Write(3, 50);
        crash.Rig.Stop();
        crash.Rig.Legs[stale].Heal();
        crash.Forget();
        if (otherMissing)
            crash.Rig.Miss(1 - stale);
        // Until a write is acknowledged, either leg is as good as the other.
        crash.Allowed[3] = [CrashRig.Data(13), CrashRig.Data(50)];
        crash.Rig.With(options => options with { SyncFrom = stale, Force = true }).Start();
        crash.Write(5, 60);
        crash.Allowed[3] = [CrashRig.Data(13)];
        crash.Remember();
        crash.CheckAll(rig => rig.With(options => options with { SyncFrom = null, Force = false }), mayRefuse: true);
    }

    // Goal: while a split brain after the kernel's use of the mirror is resolved, either way: it is resolved, or asked
    // again.
    [TestCase(0)]
    [TestCase(1)]
    public void A_choice_after_the_kernel(int chosen)
    {
        var crash = new CrashRig();
        crash.Rig.Start();
        for (int region = 0; region < 8; region++)
            crash.Write(region, 10 + region);
        crash.Rig.Legs[0].FailAll();
        crash.Write(3, 50);
        crash.Rig.Stop();
        crash.Rig.Legs[0].Heal();
        // The kernel activates the mirror, writes to its first leg, and dies.
        crash.Rig.LogDevice!.Contents()[4] = 2;
        crash.Put(0, 3, 70);
        crash.Forget();
        crash.Allowed[3] = [CrashRig.Data(chosen == 0 ? 70 : 50)];
        Assert.That(crash.Rig.StartProblem<MapperException>(), Does.Contain("split brain").And.Contain("regions 3;"));
        crash.Rig.With(options => options with { SyncFrom = chosen }).Start();
        crash.Remember();
        (int starts, int refused) = crash.CheckAll(
            rig => rig.With(options => options with { SyncFrom = null }), mayRefuse: true);
        Assert.That(refused, Is.InRange(1, starts - 1));
        // Between the two states neither leg is believed, and that looks like a leg that nobody knows.
        (_, refused) = crash.CheckAll(rig => rig.With(options => options with { Force = true }));
        Assert.That(refused, Is.Zero, "the same choice again, with force, is enough");
    }

    // Goal: while a leg that was given up comes back, and the split brain is resolved either way.
    [TestCase(0)]
    [TestCase(1)]
    public void A_leg_that_was_given_up_comes_back(int chosen)
    {
        var crash = new CrashRig();
        crash.Rig.Start();
        for (int region = 0; region < 8; region++)
            crash.Write(region, 10 + region);
        crash.Rig.Legs[0].FailAll();
        crash.Write(3, 50);
        crash.Rig.Stop();
        crash.Rig.Legs[0].Heal();
        crash.Rig.Miss(1);
        crash.Rig.With(options => options with { SyncFrom = 0, Force = true }).Start();
        crash.Write(3, 60);
        crash.Write(5, 61);
        crash.Rig.Stop();
        crash.Rig.Find(1);
        crash.Forget();
        crash.Allowed[3] = [CrashRig.Data(chosen == 0 ? 60 : 50)];
        crash.Allowed[5] = [CrashRig.Data(chosen == 0 ? 61 : 15)];
        crash.Rig.With(options => options with { SyncFrom = chosen, Force = false }).Start();
        crash.Remember();
        (int starts, int refused) = crash.CheckAll(
            rig => rig.With(options => options with { SyncFrom = null }), mayRefuse: true);
        Assert.That(refused, Is.InRange(1, starts - 1));
        (_, refused) = crash.CheckAll(rig => rig.With(options => options with { Force = true }));
        Assert.That(refused, Is.Zero, "the same choice again, with force, is enough");
    }

    // Goal: while regions are written, marked clean and written again, with and without the client's flushes.
    [TestCase(0)]
    [TestCase(5)]
    public void Regions_are_marked_clean(int cleanAfterSeconds)
    {
        var crash = new CrashRig();
        crash.Rig.WithMirror(mirror => mirror with { CleanAfter = TimeSpan.FromSeconds(cleanAfterSeconds) }).Start();
        for (int i = 0; i < 20; i++)
        {
            crash.Write(i % 7, 100 + i);
            if (i % 4 == 0)
                crash.Rig.Do(TestRequest.Flush());
            crash.Rig.Advance(i % 3 * 2);
        }
        Assert.That(crash.CheckAll().Starts, Is.GreaterThan(100));
    }

    private static void Replace(MirrorRig rig, int leg) =>
        rig.Identities[$"leg{leg}"] = new LegIdentity { Kind = "device", Name = "another", SizeBytes = 1 };

    // The old device never does anything again: regions are marked clean at once, and no timer is armed.
    private static void Abandon(CrashRig crash) => crash.Rig.Loop.RunUntilIdle();
}
