using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class LogDeadlineTests
{
    // Long enough for every look at a deadline of ten seconds.
    private const double PastDeadline = 13;

    // Where the record does not fit behind the kernel's log.
    private const long ShortLog = 3;

    // Goal: with all legs good the mirror goes on without a log that hangs when its deadline has passed, the state file
    // says so, nothing more is asked of it before it has ended what it was asked, and then it is used again.
    [Test]
    public void A_log_that_hangs_is_done_without([Values] bool inFlush)
    {
        MirrorRig rig = Born();
        rig.LogDevice!.Holds = true;
        TestRequest write = rig.Submit(Write(0, 1));
        if (inFlush)
        {
            rig.LogDevice.ReleaseFirst();
            rig.Loop.RunUntilIdle();
        }
        Assert.That(rig.LogDevice.Held.Single().Operation, Is.EqualTo(inFlush ? BlockOperation.Flush : BlockOperation.Write));
        rig.Advance(9);
        Assert.That(write.IsCompleted, Is.False, "there is time left");
        rig.Advance(PastDeadline - 9);
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
        Assert.That(rig.Store.State.LogLost);
        Assert.That(rig.Status, Does.EndWith(" 32/32 1 AA 3 disk log D"));
        Assert.That(rig.Log.Of(2024).Single(), Does.Contain("log does not answer within 10 s"));
        rig.LogDevice.ClearLog();
        rig.LogDevice.Holds = false;
        Assert.That(rig.Write(2000, seed: 2), Is.EqualTo(Errno.None), "new writes do without it at once");
        rig.Advance(120);
        Assert.That(rig.LogDevice.Log, Is.Empty, "what it was asked may still land, over anything");
        rig.LogDevice.ReleaseAll();
        rig.Advance(4);
        Assert.That(rig.LogDevice.Log, Is.Empty, "it is left alone for a while");
        rig.Advance(2);
        Assert.That(rig.Status, Does.EndWith(" 32/32 1 AA 3 disk log A"));
        Assert.That(rig.Store.State.LogLost, Is.False);
        rig.Stop();
        Assert.That(rig.LogDevice.Contents()[4], Is.EqualTo(2), "all is clean, and the kernel's");
    }

    // Goal: the same where the record lies in a file, and that hangs; nothing is asked of the log then either.
    [Test]
    public void A_record_that_hangs_is_done_without()
    {
        MirrorRig rig = Born(logSectors: ShortLog);
        rig.Legs[1].FailAll();
        rig.Write(0);
        rig.Legs[1].Heal();
        rig.SidecarDevice!.Holds = true;
        // The leg is back and lacks nothing, but for the record.
        rig.Advance(PastDeadline + 3);
        Assert.That(rig.Status, Does.Contain(" 31/32 1 AD 3 disk log D"));
        rig.LogDevice!.ClearLog();
        rig.Advance(60);
        Assert.That(rig.LogDevice.Log, Is.Empty);
        rig.SidecarDevice.Holds = false;
        rig.SidecarDevice.ReleaseAll();
        rig.Advance(30);
        Assert.That(rig.Status, Does.EndWith(" 32/32 1 AA 3 disk log A"));
    }

    // Goal: with a leg out only the record can say what it lacks: writes that need it fail when the deadline has passed,
    // and at once from then on; or they are held until the log is back.
    [Test]
    public void With_a_leg_out_writes_fail_or_wait([Values] WhenUnrecorded when)
    {
        MirrorRig rig = Born(mirror => mirror with { WhenUnrecorded = when, Recovers = false });
        rig.Legs[1].FailAll();
        rig.Write(0);
        rig.LogDevice!.Holds = true;
        TestRequest first = rig.Submit(Write(5 * 1024, 5));
        rig.Advance(PastDeadline);
        TestRequest second = rig.Submit(Write(6 * 1024, 6));
        bool fails = when == WhenUnrecorded.Fail;
        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((fails, fails)));
        if (fails)
            Assert.That((first.Error, second.Error), Is.EqualTo((Errno.EIO, Errno.EIO)));
        Assert.That(rig.Store.Text, Is.Null, "the log is not done without");
        Assert.That(rig.Status, Does.EndWith(" AD 3 disk log D"));
        rig.LogDevice.Holds = false;
        rig.LogDevice.ReleaseAll();
        rig.Advance(6);
        Assert.That(rig.Write(7 * 1024), Is.EqualTo(Errno.None));
        if (!fails)
            Assert.That((first.Error, second.Error), Is.EqualTo((Errno.None, Errno.None)));
    }

    // Goal: an operation that was given up keeps its memory until the device has done with it, even past the mirror's end.
    [Test]
    public void A_late_write_keeps_its_memory()
    {
        MirrorRig rig = Born();
        rig.LogDevice!.Holds = true;
        rig.Submit(Write(0, 1));
        BlockRequest late = rig.LogDevice.Held.Single();
        byte[] asked = Bytes(late);
        rig.Advance(PastDeadline);
        // Another region's bit, and whatever else the mirror has to say: none of it in this memory.
        rig.Write(9 * 1024);
        rig.Advance(30);
        Assert.That(Bytes(late), Is.EqualTo(asked));
        rig.Stop();
        Assert.That(Bytes(late), Is.EqualTo(asked));
        rig.LogDevice.Holds = false;
        rig.LogDevice.ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Start();
        Assert.That(rig.Log.Of(2022), Is.Not.Empty, "what has landed counts for nothing");
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA 3 disk log A"));
    }

    // Goal: a stop while the log hangs ends: with all legs good it is one without the log, otherwise it fails.
    [Test]
    public void A_stop_ends_although_the_log_hangs([Values] bool allGood)
    {
        MirrorRig rig = Born(mirror => mirror with { Recovers = false });
        if (!allGood)
            rig.Legs[1].FailAll();
        rig.Write(0);
        rig.LogDevice!.Holds = true;
        Task stop = rig.Device.StopAsync();
        rig.Advance(9);
        Assert.That(stop.IsCompleted, Is.False);
        rig.Advance(PastDeadline - 9);
        Assert.That((stop.IsCompletedSuccessfully, rig.Store.Text is not null), Is.EqualTo((allGood, allGood)));
        if (!allGood)
            Assert.That(stop.Exception!.InnerException!.Message, Is.EqualTo("vol0: log cannot be written (ETIMEDOUT)"));
        rig.Loop.Run(rig.Device.DisposeAsync);
        rig.LogDevice.Holds = false;
        rig.LogDevice.ReleaseAll();
        rig.Legs[1].Heal();
        rig.WithMirror(_ => new MirrorOptions()).Start();
        Assert.That(rig.Log.Of(2022).Count(), Is.EqualTo(allGood ? 1 : 0));
        rig.Advance(30);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA 3 disk log A"));
        rig.AssertLegsEqual();
    }

    // Goal: a stop ends what is held for the log, and whatever waits for its turn, with EIO.
    [Test]
    public void A_stop_ends_what_is_held_for_the_log()
    {
        MirrorRig rig = Born(mirror => mirror with { WhenUnrecorded = WhenUnrecorded.Hold });
        rig.Legs[1].FailAll();
        rig.Write(8);
        rig.LogDevice!.Holds = true;
        TestRequest held = rig.Submit(Write(5 * 1024, 1));
        // The leg comes back, and recovery waits for the turn of what is held.
        rig.Legs[1].Heal();
        rig.Advance(60);
        Assert.That(held.IsCompleted, Is.False);
        Task stop = rig.Device.StopAsync();
        rig.Advance(PastDeadline);
        Assert.That((held.Completions, held.Error), Is.EqualTo((1, Errno.EIO)));
        Assert.That(stop.IsFaulted);
        rig.Loop.Run(rig.Device.DisposeAsync);
    }

    // Goal: without a stop too the mirror can be let go of while log and record hang; the record's file is closed when
    // it has ended what it was asked, not before.
    [Test]
    public void A_record_that_hangs_is_closed_when_it_has_landed()
    {
        MirrorRig rig = Born(mirror => mirror with { Recovers = false }, logSectors: ShortLog);
        rig.SidecarDevice!.Holds = true;
        rig.Legs[1].FailAll();
        TestRequest write = rig.Submit(Write(0, 1));
        rig.Advance(PastDeadline);
        Assert.That(write.Error, Is.EqualTo(Errno.EIO));
        rig.Loop.Run(rig.Device.DisposeAsync);
        Assert.That(rig.SidecarDevice.IsClosed, Is.False);
        rig.SidecarDevice.Holds = false;
        rig.SidecarDevice.ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.SidecarDevice.IsClosed);
    }

    // Goal: a start with a log, or a record, that hangs ends with a message that names the device.
    [TestCase(false, false)]
    [TestCase(false, true)]
    [TestCase(true, true)]
    public void A_start_ends_although_the_log_hangs(bool record, bool isNew)
    {
        MirrorRig rig = New(logSectors: record ? ShortLog : 512);
        if (!isNew)
        {
            rig.Start();
            rig.Stop();
            rig.Legs[0].ClearLog();
        }
        rig.SidecarHolds = record;
        rig.LogDevice!.Holds = !record;
        string name = record ? "/state/vol0.mirror-0.record" : "log";
        Task<MappedDevice> created = rig.BeginStart();
        rig.Advance(PastDeadline);
        Assert.That(created.IsFaulted);
        Assert.That(created.Exception!.InnerException, Is.InstanceOf<MapperException>());
        Assert.That(created.Exception.InnerException!.Message, Is.EqualTo(
            $"vol0: the log's device {name} does not answer within 10 s; look after it, name another log, or give it more "
            + "time (--leg-deadline)"));
        Assert.That(rig.Legs[0].Log.Where(call => call.Operation != BlockOperation.Read), Is.Empty);
        rig.SidecarHolds = rig.LogDevice.Holds = false;
        rig.LogDevice.ReleaseAll();
        rig.SidecarDevice?.ReleaseAll();
        rig.Start();
        Assert.That(rig.Status, Does.EndWith(" 32/32 1 AA 3 disk log A"));
    }

    // Goal: with a deadline of zero the log is waited for.
    [Test]
    public void Without_a_deadline_the_log_is_waited_for()
    {
        MirrorRig rig = Born(mirror => mirror with { LegDeadline = TimeSpan.Zero });
        rig.LogDevice!.Holds = true;
        TestRequest write = rig.Submit(Write(0, 1));
        rig.Advance(3600);
        Assert.That(write.IsCompleted, Is.False);
        rig.LogDevice.Holds = false;
        rig.LogDevice.ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Does.EndWith(" 3 disk log A"));
    }

    private static byte[] Bytes(BlockRequest request)
    {
        byte[] bytes = new byte[request.Count.Bytes];
        request.Data.CopyTo(bytes);
        return bytes;
    }

    private static MirrorRig New(Func<MirrorOptions, MirrorOptions>? mirror = null, long logSectors = 512) =>
        new MirrorRig(log: "disk 3 log {0} nosync", logSectors: logSectors)
            .WithMirror(_ => new MirrorOptions { LegDeadline = TimeSpan.FromSeconds(10) })
            .WithMirror(mirror ?? (options => options));

    private static MirrorRig Born(Func<MirrorOptions, MirrorOptions>? mirror = null, long logSectors = 512) =>
        New(mirror, logSectors).Start();

    private static TestRequest Write(long sector, int seed) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed));
}
