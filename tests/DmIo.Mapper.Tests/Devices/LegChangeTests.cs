using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class LegChangeTests
{
    // Goal: a leg is added while the volume serves, and comes to hold everything.
    [TestCase("core 2 {0} nosync")]
    [TestCase(MirrorRig.DiskLog)]
    public void A_leg_is_added(string log)
    {
        MirrorRig rig = Start(2, log);
        rig.Write(0, seed: 1);
        AddLegDevice(rig, "leg2");
        rig.Loop.Finish(rig.Device.AddLegAsync(Leg("leg2")));
        Assert.That(rig.Write(4096, seed: 2), Is.EqualTo(Errno.None));
        rig.Advance(5);
        Assert.That(rig.Status, Does.Contain(" 3 leg0 leg1 leg2 32/32 1 AAA "));
        rig.AssertLegsEqual();
    }

    // Goal: a leg is removed, those behind it move up with what was said of them, and it is written no more.
    [TestCase("core 2 {0} nosync")]
    [TestCase(MirrorRig.DiskLog)]
    public void A_leg_is_removed(string log)
    {
        MirrorRig rig = Start(3, log, options => options with { PreferredLeg = 2, WriteMostlyLegs = 0b101 });
        rig.Write(0, seed: 1);
        rig.Loop.Finish(rig.Device.RemoveLegAsync(1));
        Assert.That(rig.Status, Does.Contain(" 2 leg0 leg2 32/32 1 AA "));
        rig.Legs[1].ClearLog();
        rig.Legs[2].ClearLog();
        Assert.That(rig.Write(0, seed: 2), Is.EqualTo(Errno.None));
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
        Assert.That(rig.Legs[1].Log, Is.Empty);
        Assert.That(rig.Legs[2].Log.Select(call => call.Operation), Does.Contain(BlockOperation.Read), "it is preferred");
    }

    // Goal: what a leg alone holds is not given away, and the reason is told; nor does a mirror lose its second leg.
    [Test]
    public void What_one_leg_alone_holds_stays()
    {
        MirrorRig rig = Start(3, "core 2 {0} nosync", options => options with { Recovers = false });
        rig.Legs[1].FailAll();
        rig.Write(2048, seed: 1);
        rig.Legs[2].FailAll();
        rig.Write(4096, seed: 1);
        Assert.That(
            Problem(rig, rig.Device.RemoveLegAsync(0)),
            Does.Contain("leg 0 (leg0) alone holds what is in region 0, and perhaps others; wait until another leg is in sync"));
        Assert.That(Problem(rig, rig.Device.RemoveLegAsync(3)), Does.Contain("there is no leg 3"));
        rig.Loop.Finish(rig.Device.RemoveLegAsync(1));
        Assert.That(Problem(rig, rig.Device.RemoveLegAsync(1)), Does.Contain("a mirror has at least 2 legs"));
        Assert.That(rig.Read(2048).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    // Goal: a leg that comes to hold something alone while the changes under way are waited for is not given away either.
    [TestCase("core 2 {0} nosync")]
    [TestCase(MirrorRig.DiskLog)]
    public void A_leg_that_comes_to_be_the_last_holder_stays(string log)
    {
        MirrorRig rig = Start(3, log, options => options with { Recovers = false });
        rig.Legs[1].FailAll();
        rig.Write(2048, seed: 1);
        rig.Legs[2].Holds = true;
        TestRequest write = rig.Submit(TestRequest.Write(new(4096), TestBuffer.Random(new(8), 2)));
        Task removing = rig.Device.RemoveLegAsync(0);
        rig.Loop.RunUntilIdle();
        Assert.That(removing.IsCompleted, Is.False, "the write is waited for");
        rig.Legs[2].Holds = false;
        rig.Legs[2].FailAll();
        rig.Legs[2].ReleaseAll();
        Assert.That(Problem(rig, removing), Does.Contain("leg 0 (leg0) alone holds what is in region"));
        Assert.That((write.Error, rig.Device.IsSuspended), Is.EqualTo((Errno.None, false)));
        Assert.That(rig.Status, Does.Contain(" 3 leg0 leg1 leg2 "));
        Assert.That(rig.Read(4096).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: while the new leg is not in sync the old one stays; then the new one has its place.
    [TestCase("core 2 {0} nosync")]
    [TestCase(MirrorRig.DiskLog)]
    public void A_good_leg_stays_until_its_successor_is_in_sync(string log)
    {
        MirrorRig rig = Start(2, log);
        rig.Write(0, seed: 1);
        ScriptedDevice successor = AddLegDevice(rig, "leg2");
        successor.Holds = true;
        Task replacing = rig.Device.ReplaceLegAsync(0, Leg("leg2"));
        rig.Loop.RunUntilIdle();
        Assert.That(replacing.IsCompleted, Is.False);
        Assert.That(rig.Status, Does.Contain(" 3 leg0 leg1 leg2 0/32 "));
        successor.Holds = false;
        for (int i = 0; i < 100 && !replacing.IsCompleted; i++)
        {
            successor.ReleaseAll();
            rig.Advance(1);
        }
        rig.Loop.Finish(replacing);
        Assert.That(rig.Status, Does.Contain(" 2 leg2 leg1 32/32 1 AA "));
        rig.Legs[0].Contents().Clear();
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    // Goal: who gives up waiting and asks again goes on where it was.
    [Test]
    public void Replacing_is_interrupted_and_taken_up_again()
    {
        MirrorRig rig = Start(2, "core 2 {0} nosync", options => options with { RecoveryRateBytes = 1 << 20 });
        AddLegDevice(rig, "leg2");
        using var giveUp = new CancellationTokenSource();
        Task replacing = rig.Device.ReplaceLegAsync(0, Leg("leg2"), giveUp.Token);
        rig.Loop.RunUntilIdle();
        giveUp.Cancel();
        rig.Loop.RunUntilIdle();
        Assert.That(replacing.IsCanceled);
        Assert.That(rig.Status, Does.Contain(" 3 leg0 leg1 leg2 "));
        replacing = rig.Device.ReplaceLegAsync(0, Leg("leg2"));
        rig.Advance(60);
        rig.Loop.Finish(replacing);
        Assert.That(rig.Status, Does.Contain(" 2 leg2 leg1 32/32 1 AA "));
    }

    // Goal: a leg that is out already is replaced at once.
    [Test]
    public void A_failed_leg_is_replaced_at_once()
    {
        MirrorRig rig = Start(2, MirrorRig.DiskLog, options => options with { ProbeAfter = TimeSpan.FromHours(1) });
        rig.Legs[1].FailAll();
        rig.Write(0, seed: 1);
        AddLegDevice(rig, "leg2");
        rig.Loop.Finish(rig.Device.ReplaceLegAsync(1, Leg("leg2")));
        rig.Advance(5);
        Assert.That(rig.Status, Does.Contain(" 2 leg0 leg2 32/32 1 AA "));
        Assert.That(rig.Legs[2].Contents().SequenceEqual(rig.Legs[0].Contents()));
    }

    private static DeviceArgument Leg(string name) => new(name, Sectors.Zero);

    private static ScriptedDevice AddLegDevice(MirrorRig rig, string name)
    {
        var device = new ScriptedDevice(rig.Loop, name, rig.Sectors);
        rig.AddLeg(device);
        return device;
    }

    private static string Problem(MirrorRig rig, Task task)
    {
        rig.Loop.RunUntilIdle();
        Assert.That(task.IsFaulted, "it is refused");
        Assert.That(task.Exception!.InnerException, Is.InstanceOf<MapperException>());
        return task.Exception.InnerException!.Message;
    }

    private static MirrorRig Start(int legs, string log, Func<MirrorOptions, MirrorOptions>? change = null) =>
        new MirrorRig(legs, log: log).With(options => options with { AssumeClean = true })
            .WithMirror(change ?? (options => options)).Start();
}
