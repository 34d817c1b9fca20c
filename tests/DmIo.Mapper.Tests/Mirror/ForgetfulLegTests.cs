using DmIo.Testing;

namespace DmIo.Mapper.Tests;

// A leg has failed a flush, the flush of the other is under way: what the first may have forgotten only the second has.
public sealed class ForgetfulLegTests
{
    // Goal: what the other cannot read is not taken from the leg that may have forgotten it, not even as the last resort.
    [Test]
    public void What_a_leg_may_have_forgotten_is_not_read_from_it()
    {
        MirrorRig rig = Forgetful();
        rig.Legs[1].Fail(new(2 * 1024), new(8), Errno.EIO, BlockOperation.Read);
        TestRequest read = Read(rig, 2 * 1024);
        Release(rig, leg: 1, BlockOperation.Read);
        Assert.That(read.IsCompleted, Is.False, "it waits until it is known what leg 0 lacks");
        Release(rig, leg: 1, BlockOperation.Flush);
        Assert.That(read.Error, Is.EqualTo(Errno.EIO));
        rig.Legs[1].Heal();
        rig.Legs[1].Holds = false;
        Assert.That(rig.Read(2 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: what was under way on the leg when it failed the flush is not believed either.
    [Test]
    public void What_was_being_read_is_not_believed()
    {
        MirrorRig rig = Written();
        rig.Legs.ForEach(leg => leg.Holds = true);
        rig.Legs[1].Fail(new(2 * 1024), new(8), Errno.EIO, BlockOperation.Read);
        TestRequest read = Read(rig, 2 * 1024);
        Release(rig, leg: 1, BlockOperation.Read);
        FailFlush(rig);
        Release(rig, leg: 0, BlockOperation.Read);
        Assert.That(read.IsCompleted, Is.False);
        Release(rig, leg: 1, BlockOperation.Flush);
        Assert.That(read.Error, Is.EqualTo(Errno.EIO));
    }

    // Goal: what had been durable before is read from it as soon as that is known.
    [Test]
    public void What_it_has_not_forgotten_is_read_from_it_afterwards()
    {
        MirrorRig rig = Forgetful();
        rig.Legs[1].Fail(new(5 * 1024), new(8), Errno.EIO, BlockOperation.Read);
        TestRequest read = Read(rig, 5 * 1024);
        Release(rig, leg: 1, BlockOperation.Read);
        Assert.That(read.IsCompleted, Is.False);
        Release(rig, leg: 1, BlockOperation.Flush);
        Release(rig, leg: 0, BlockOperation.Read);
        Assert.That(read.Error, Is.EqualTo(Errno.None));
    }

    // Goal: it stands in for no leg that takes too long: that one is waited for, and has everything.
    [Test]
    public void The_other_does_not_leave_for_being_late()
    {
        MirrorRig rig = Forgetful();
        rig.Advance(10);
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(0b11));
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(0b10));
        Assert.That(rig.Read(2 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: nor for one that cannot be mended from it.
    [Test]
    public void The_other_does_not_leave_for_what_cannot_be_mended()
    {
        MirrorRig rig = Written();
        rig.Legs[1].Fail(new(2 * 1024 + 4), new(1), Errno.EIO, BlockOperation.Read);
        rig.Legs[0].Holds = true;
        TestRequest read = Read(rig, 2 * 1024);
        Release(rig, leg: 0, BlockOperation.Read);
        Assert.That(read.Error, Is.EqualTo(Errno.None), "leg 0 has it still");
        rig.Legs[1].Holds = true;
        FailFlush(rig);
        Release(rig, leg: 0, BlockOperation.Read);
        Assert.That(rig.Mirror.Knowledge.Set, Is.EqualTo(0b11));
        Assert.That(rig.Mirror.Knowledge[1].Lacks.Count, Is.Zero);
        Release(rig, leg: 1, BlockOperation.Flush);
        Assert.That(rig.Mirror.Knowledge[0].Lacks.Contains(2));
        rig.Legs[1].Heal();
        rig.Legs[1].Holds = false;
        Assert.That(rig.Read(2 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    private static MirrorRig Written()
    {
        MirrorRig rig = new MirrorRig(log: "disk 3 log {0} nosync")
            .WithMirror(_ => new MirrorOptions
            {
                CleanAfter = TimeSpan.FromHours(1),
                LegDeadline = TimeSpan.FromSeconds(1),
                PreferredLeg = 1,
                ProbeAfter = TimeSpan.FromHours(1),
            }).Start();
        rig.Write(2 * 1024, seed: 2);
        return rig;
    }

    private static MirrorRig Forgetful()
    {
        MirrorRig rig = Written();
        rig.Legs.ForEach(leg => leg.Holds = true);
        FailFlush(rig);
        return rig;
    }

    // What a disk does that fails a flush: what it had in its cache is gone.
    private static void FailFlush(MirrorRig rig)
    {
        rig.Submit(TestRequest.Flush());
        rig.Legs[0].FailAll(Errno.EIO, BlockOperation.Flush);
        Release(rig, leg: 0, BlockOperation.Flush);
        rig.Legs[0].Contents(new(2 * 1024), new(8)).Clear();
    }

    private static TestRequest Read(MirrorRig rig, long sector) =>
        rig.Submit(TestRequest.Read(new(sector), new TestBuffer(8 * Sectors.SizeBytes)));

    private static void Release(MirrorRig rig, int leg, BlockOperation operation)
    {
        rig.Legs[leg].Release(rig.Legs[leg].Held.First(request => request.Operation == operation));
        rig.Loop.RunUntilIdle();
    }
}
