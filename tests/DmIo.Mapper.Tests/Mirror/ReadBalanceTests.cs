using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class ReadBalanceTests
{
    // Goal: reads go to the leg with the fewest under way.
    [Test]
    public void Reads_go_to_the_least_busy_leg()
    {
        MirrorRig rig = new MirrorRig(3).Start();
        rig.Legs.ForEach(leg => leg.Holds = true);
        for (int i = 0; i < 9; i++)
            rig.Submit(Read(1000 + i * 100));
        Assert.That(rig.Legs.Select(leg => leg.Held.Count), Is.All.EqualTo(3));
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        for (int i = 0; i < 3; i++)
            rig.Submit(Read(20000 + i * 100));
        Assert.That(rig.Legs.Select(leg => leg.Held.Count), Is.All.EqualTo(3));
    }

    // Goal: a stream that goes on stays on its leg, though others are idle.
    [Test]
    public void A_stream_stays_on_its_leg()
    {
        MirrorRig rig = new MirrorRig().Start();
        rig.Legs[0].Holds = true;
        rig.Submit(Read(1000));
        rig.Submit(Read(5000));
        for (int i = 1; i < 5; i++)
            rig.Submit(Read(1000 + i * 8));
        Assert.That(rig.Legs[0].Held, Has.Count.EqualTo(5));
        Assert.That(rig.Legs[1].Log.Select(call => call.Start.Count), Is.EqualTo(new[] { 5000L }));
    }

    // Goal: a preferred leg is read as long as it can serve.
    [Test]
    public void A_preferred_leg_is_read()
    {
        MirrorRig rig = new MirrorRig().WithMirror(mirror => mirror with { PreferredLeg = 1, Recovers = false }).Start();
        rig.Legs[1].Holds = true;
        for (int i = 0; i < 5; i++)
            rig.Submit(Read(i * 1000));
        Assert.That((rig.Legs[0].Log.Count, rig.Legs[1].Held.Count), Is.EqualTo((0, 5)));
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Legs[1].FailAll();
        rig.Write(0, seed: 3);
        rig.Legs[1].Heal();
        rig.Legs[1].ClearLog();
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 3)));
        Assert.That(rig.Legs[1].Log, Is.Empty);
    }

    // Goal: a write-mostly leg is read only when no other can serve.
    [Test]
    public void A_write_mostly_leg_is_the_last_resort()
    {
        MirrorRig rig = new MirrorRig(3).WithMirror(mirror => mirror with { WriteMostlyLegs = 0b011 }).Start();
        rig.Write(0, seed: 3);
        rig.Legs.ForEach(leg => leg.ClearLog());
        rig.Legs[2].Holds = true;
        for (int i = 1; i < 6; i++)
            rig.Submit(Read(i * 1000));
        Assert.That(rig.Legs.Select(leg => leg.Log.Count), Is.EqualTo(new[] { 0, 0, 5 }));
        rig.Legs[2].Holds = false;
        rig.Legs[2].ReleaseAll();
        rig.Legs[2].FailAll(Errno.EIO, BlockOperation.Read);
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 3)));
    }

    // Goal: a read across regions that different legs hold is put together from them.
    [Test]
    public void A_read_is_put_together_from_legs_that_hold_its_parts()
    {
        MirrorRig rig = new MirrorRig().WithMirror(_ => MirrorRig.AsTheKernel).Start();
        rig.Legs[0].FailAll();
        rig.Write(1024, 1024, seed: 1);
        rig.Stop();
        rig.Legs[0].Heal();
        rig.Start();
        rig.Legs[1].FailAll(Errno.EIO, BlockOperation.Write);
        rig.Write(2048, 1024, seed: 2);
        rig.Legs[1].Heal();
        Assert.That(rig.Status, Does.Contain(" 30/32 1 AD "));
        rig.Legs.ForEach(leg => leg.ClearLog());
        (Errno error, byte[] data) = rig.Read(1020, 2056);
        Assert.That(error, Is.EqualTo(Errno.None));
        Assert.That(data.AsSpan(4 * 512, 1024 * 512).SequenceEqual(MirrorRig.Bytes(1024, 1)));
        Assert.That(data.AsSpan(1028 * 512, 1024 * 512).SequenceEqual(MirrorRig.Bytes(1024, 2)));
        Assert.That(rig.Legs.Select(leg => leg.Log.Count), Is.All.GreaterThan(0));
    }

    private static TestRequest Read(long sector) => TestRequest.Read(new Sectors(sector), new TestBuffer(4096));
}
