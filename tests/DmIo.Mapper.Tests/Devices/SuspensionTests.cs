using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class SuspensionTests
{
    private EventRing _events = new();

    // Goal: a suspended device answers nothing, and everything in order when it is resumed; nothing is lost or done twice.
    [Test]
    public void Requests_wait_while_suspended()
    {
        MirrorRig rig = Start(new MirrorRig());
        rig.Write(0, seed: 1);
        rig.Loop.Finish(rig.Device.SuspendAsync());
        Assert.That(rig.Device.InfoText(), Does.Contain("State:             SUSPENDED"));
        TestRequest[] waiting =
        [
            rig.Submit(Write(0, 2)), rig.Submit(Write(4, 3)), rig.Submit(TestRequest.Flush()),
            rig.Submit(TestRequest.Read(new(4), new TestBuffer(4096))),
        ];
        Assert.That(waiting.Select(request => request.Completions), Is.All.Zero);
        Assert.That(rig.Device.HeldBack, Is.EqualTo(3), "the second write waits for its turn");
        rig.Loop.Finish(rig.Device.ResumeAsync());
        Assert.That(waiting.Select(request => (request.Completions, request.Error)), Is.All.EqualTo((1, Errno.None)));
        Assert.That(rig.Read(4).Data, Is.EqualTo(MirrorRig.Bytes(8, 3)));
        Assert.That(rig.Device.InFlight, Is.Zero);
        Assert.That(
            _events.Since(0).Select(e => e.Kind),
            Is.EqualTo(new[] { VolumeEventKind.Suspended, VolumeEventKind.Resumed }));
    }

    // Goal: what is under way ends before the device counts as suspended, and then all legs are flushed.
    [Test]
    public void Suspending_waits_for_what_is_under_way([Values] bool flush)
    {
        MirrorRig rig = Start(new MirrorRig());
        rig.Legs[1].Holds = true;
        TestRequest write = rig.Submit(Write(0, 1));
        Task suspending = rig.Device.SuspendAsync(flush);
        rig.Loop.RunUntilIdle();
        Assert.That((suspending.IsCompleted, rig.Device.IsSuspended, write.Completions), Is.EqualTo((false, false, 0)));
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.Finish(suspending);
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        Assert.That(
            rig.Legs.Select(leg => leg.Log[^1].Operation == BlockOperation.Flush), Is.All.EqualTo(flush));
    }

    // Goal: who gives up waiting leaves a device that serves.
    [Test]
    public void A_suspension_can_be_given_up()
    {
        MirrorRig rig = Start(new MirrorRig());
        rig.Legs[1].Holds = true;
        TestRequest write = rig.Submit(Write(0, 1));
        using var giveUp = new CancellationTokenSource();
        Task suspending = rig.Device.SuspendAsync(true, giveUp.Token);
        rig.Loop.RunUntilIdle();
        TestRequest behind = rig.Submit(Write(100, 2));
        giveUp.Cancel();
        rig.Loop.RunUntilIdle();
        Assert.That(suspending.IsCanceled);
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That((write.Error, behind.Error, behind.Completions), Is.EqualTo((Errno.None, Errno.None, 1)));
    }

    // Goal: a request that nobody waits for any more is not started by the resume.
    [Test]
    public void What_was_abandoned_is_never_started()
    {
        MirrorRig rig = Start(new MirrorRig());
        rig.Loop.Finish(rig.Device.SuspendAsync());
        TestRequest write = rig.Submit(Write(0, 1));
        write.IsAbandoned = true;
        rig.Loop.Finish(rig.Device.ResumeAsync());
        Assert.That(write.Error, Is.EqualTo(Errno.ECANCELED));
        Assert.That(rig.Legs[0].Contents()[..4096].ToArray(), Is.All.Zero);
    }

    // Goal: a stop ends a suspension: what waits is answered, and the stop is a clean one.
    [Test]
    public void A_stop_ends_a_suspension()
    {
        MirrorRig rig = Start(new MirrorRig());
        rig.Loop.Finish(rig.Device.SuspendAsync());
        TestRequest write = rig.Submit(Write(0, 1));
        rig.Stop();
        Assert.That(write.Error, Is.EqualTo(Errno.ESHUTDOWN));
        Assert.That(rig.Store.State.Clean);
    }

    // Goal: a stop while somebody waits for a suspension waits for the same requests, and ends both.
    [Test]
    public void A_stop_comes_while_a_suspension_waits()
    {
        MirrorRig rig = Start(new MirrorRig());
        rig.Legs[1].Holds = true;
        TestRequest write = rig.Submit(Write(0, 1));
        Task suspending = rig.Device.SuspendAsync();
        rig.Loop.RunUntilIdle();
        TestRequest held = rig.Submit(Write(100, 2));
        Task stopping = rig.Device.StopAsync();
        rig.Loop.RunUntilIdle();
        Assert.That((held.Error, suspending.IsCompleted, stopping.IsCompleted), Is.EqualTo((Errno.ESHUTDOWN, false, false)));
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.Finish(suspending);
        rig.Loop.Finish(stopping);
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Store.State.Clean);
        rig.Loop.Run(rig.Device.DisposeAsync);
    }

    // Goal: with another table the same data is served by other devices: a leg is added while requests wait, and gets what
    // it lacks.
    [TestCase("core 2 {0} nosync")]
    [TestCase(MirrorRig.DiskLog)]
    public void A_leg_is_added_by_another_table(string log)
    {
        MirrorRig rig = Start(new MirrorRig(log: log));
        rig.Write(0, seed: 1);
        rig.AddLeg(new ScriptedDevice(rig.Loop, "leg2", rig.Sectors));
        string table = rig.TableText.Replace(" 2 leg0 0 leg1 0", " 3 leg0 0 leg1 0 leg2 0", StringComparison.Ordinal);
        rig.Loop.Finish(rig.Device.LoadAsync(MirrorRig.Parse(table)));
        Assert.That(rig.Device.InfoText(), Does.Contain("LIVE & INACTIVE"));
        Assert.That(rig.Status, Does.Contain(" 2 leg0 leg1 "), "not before the resume");
        rig.Loop.Finish(rig.Device.SuspendAsync());
        TestRequest write = rig.Submit(Write(2048, 2));
        rig.Loop.Finish(rig.Device.ResumeAsync());
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        rig.Advance(5);
        Assert.That(rig.Status, Does.Contain(" 3 leg0 leg1 leg2 32/32 1 AAA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(2048).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: a table that cannot be taken leaves the one before in place, and tells why.
    [Test]
    public void A_table_that_fails_leaves_the_one_before()
    {
        MirrorRig rig = Start(new MirrorRig());
        rig.Write(0, seed: 1);
        rig.AddLeg(new ScriptedDevice(rig.Loop, "leg2", rig.Sectors));
        rig.AddDevice("log", new ScriptedDevice(rig.Loop, "log", new Sectors(1)));
        const string table = "0 32768 mirror disk 2 log 1024 2 leg0 0 leg2 0";
        rig.Loop.Finish(rig.Device.LoadAsync(MirrorRig.Parse(table)));
        Task resuming = rig.Device.ResumeAsync();
        rig.Loop.RunUntilIdle();
        Assert.That(resuming.Exception!.InnerException, Is.InstanceOf<MapperException>());
        Assert.That(rig.Status, Does.Contain(" 2 leg0 leg1 32/32 1 AA "));
        Assert.That(rig.Device.HasInactiveTable, Is.False);
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        Assert.That(rig.Write(0, seed: 2), Is.EqualTo(Errno.None));
    }

    // Goal: what a leg lacks is known to the next table though it could not be recorded.
    [Test]
    public void What_was_not_recorded_is_not_forgotten()
    {
        MirrorRig rig = Start(new MirrorRig(log: MirrorRig.DiskLog).WithMirror(mirror => mirror with { Recovers = false }));
        rig.Write(2048, seed: 1);
        rig.LogDevice!.FailAll();
        rig.Legs[0].Fail(new(2048), new(8), Errno.EIO, BlockOperation.Write);
        Assert.That(rig.Write(2048, seed: 2), Is.EqualTo(Errno.EIO), "it cannot be recorded that leg 0 lacks it");
        rig.Loop.Finish(rig.Device.LoadAsync(MirrorRig.Parse(rig.TableText)));
        rig.Loop.Finish(rig.Device.SuspendAsync(flush: false));
        Task resuming = rig.Device.ResumeAsync();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Device.IsSuspended, "the log cannot be taken");
        rig.LogDevice.Heal();
        rig.Legs[0].Heal();
        rig.Loop.Finish(rig.Device.ResumeAsync());
        Assert.That(resuming.IsFaulted);
        Assert.That(rig.Mirror.Knowledge[0].Lacks.Contains(2));
        Assert.That(rig.Read(2048).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: what would harm clients is refused when the table is loaded.
    [TestCase("0 1024 linear leg0 0", "the new table has 1024 sectors, the device 32768")]
    [TestCase("0 32768 linear nowhere 0", "nowhere: ENOENT")]
    [TestCase("0 32768 linear big 0", "the new table needs blocks of 4096 bytes, and clients were told 512")]
    public void A_table_that_does_not_fit_is_refused(string table, string reason)
    {
        MirrorRig rig = Start(new MirrorRig());
        rig.AddDevice("big", new ScriptedDevice(rig.Loop, "big", rig.Sectors, 4096));
        Task loading = rig.Device.LoadAsync(MirrorRig.Parse(table));
        rig.Loop.RunUntilIdle();
        Assert.That(loading.Exception!.InnerException!.Message, Does.Contain(reason));
        Assert.That(rig.Device.HasInactiveTable, Is.False);
    }

    // Goal: a leg that hangs cannot be given to another table while what it was asked may still land.
    [Test]
    public void A_leg_that_hangs_is_not_taken_over()
    {
        MirrorRig rig = Start(new MirrorRig(legs: 3)
            .WithMirror(mirror => mirror with { LegDeadline = TimeSpan.FromSeconds(1) }));
        rig.Legs[2].Holds = true;
        TestRequest write = rig.Submit(Write(0, 1));
        rig.Advance(3);
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        string message = Refused(rig, rig.TableText);
        Assert.That(message, Does.Contain("leg2 was asked something that hangs and may still land"));
        string without = rig.TableText.Replace(" 3 leg0 0 leg1 0 leg2 0", " 2 leg0 0 leg1 0", StringComparison.Ordinal);
        rig.Loop.Finish(rig.Device.LoadAsync(MirrorRig.Parse(without)));
        rig.Loop.Finish(rig.Device.ResumeAsync());
        Assert.That(rig.Status, Does.Contain(" 2 leg0 leg1 32/32 1 AA "));
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    // Goal: what a mirror does of its own accord stops for the suspension and goes on after it.
    [Test]
    public void Recovery_pauses_while_suspended()
    {
        MirrorRig rig = Start(new MirrorRig());
        rig.Legs[1].Fail(new(2048), new(8), Errno.EIO, BlockOperation.Write);
        rig.Write(2048, seed: 1);
        rig.Legs[1].Heal();
        rig.Loop.Finish(rig.Device.SuspendAsync());
        rig.Advance(30);
        Assert.That(rig.Status, Does.Contain(" 31/32 1 AD "));
        rig.Loop.Finish(rig.Device.ResumeAsync());
        rig.Advance(30);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
    }

    private static string Refused(MirrorRig rig, string table)
    {
        Task loading = rig.Device.LoadAsync(MirrorRig.Parse(table));
        rig.Loop.RunUntilIdle();
        return loading.Exception!.InnerException!.Message;
    }

    private MirrorRig Start(MirrorRig rig)
    {
        _events = new EventRing();
        return rig.With(options => options with { Events = _events, AssumeClean = true }).Start();
    }

    private static TestRequest Write(long sector, int seed) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new(8), seed));
}
