using DmIo.Testing;

namespace DmIo.Mapper.Tests;

// Leg 0 fails a flush, and alone has a write that was answered; leg 1 has made durable what leg 0 has forgotten.
public sealed class LaggardFlushTests
{
    private const long Region = 2 * 1024;

    // Goal: what follows is decided when the other has caught up: then it has everything, and is right.
    [Test]
    public void A_leg_that_is_behind_is_waited_for()
    {
        MirrorRig rig = Behind();
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(0b11));
        Release(rig, leg: 1, request => request.Operation == BlockOperation.Write);
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(0b10));
        Assert.That(rig.Mirror.Knowledge.MayDiffer.Count, Is.Zero);
        rig.Legs[1].Holds = false;
        Assert.That(rig.Read(Region).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        Assert.That(rig.Read(Region + 100).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: until then that write is read from neither: the one may have forgotten it too, the other has not got it.
    [Test]
    public void What_only_the_other_will_have_is_read_afterwards()
    {
        MirrorRig rig = Behind();
        TestRequest read = rig.Submit(TestRequest.Read(new(Region + 100), new TestBuffer(8 * Sectors.SizeBytes)));
        Assert.That(read.IsCompleted, Is.False);
        rig.Legs[1].Holds = false;
        Release(rig, leg: 1, request => request.Operation == BlockOperation.Write);
        Assert.That(read.Error, Is.EqualTo(Errno.None));
    }

    // Goal: meanwhile no write is answered for being on the leg that failed.
    [Test]
    public void The_leg_that_failed_does_not_count()
    {
        MirrorRig rig = Behind();
        TestRequest write = rig.Submit(Write(5 * 1024, 3));
        Assert.That(write.IsCompleted, Is.False);
        Release(rig, leg: 1, request => request.Start == new Sectors(5 * 1024));
        Assert.That(write.Error, Is.EqualTo(Errno.None));
    }

    private static MirrorRig Behind()
    {
        MirrorRig rig = new MirrorRig(log: "disk 3 log {0} nosync")
            .WithMirror(_ => new MirrorOptions { WriteQuorum = 1, CleanAfter = TimeSpan.FromHours(1), Recovers = false }).Start();
        rig.Write(Region, seed: 1);
        rig.Legs.ForEach(leg => leg.Holds = true);
        rig.Submit(TestRequest.Flush());
        rig.Legs[0].Holds = false;
        Assert.That(rig.Submit(Write(Region + 100, 2)).Error, Is.EqualTo(Errno.None), "it is answered for leg 0");
        rig.Legs[0].FailAll(Errno.EIO, BlockOperation.Flush);
        Release(rig, leg: 0, request => request.Operation == BlockOperation.Flush);
        rig.Legs[0].Contents(new(Region), new(200)).Clear();
        Release(rig, leg: 1, request => request.Operation == BlockOperation.Flush);
        return rig;
    }

    private static TestRequest Write(long sector, int seed) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed));

    private static void Release(MirrorRig rig, int leg, Func<BlockRequest, bool> which)
    {
        rig.Legs[leg].Release(rig.Legs[leg].Held.First(which));
        rig.Loop.RunUntilIdle();
    }
}
