using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class DeadlineTests
{
    // Goal: a leg that hangs leaves the set when its deadline has passed, the write is answered, its memory is held until
    // the leg has done with it, and only then does the leg return, to be made like the other.
    [TestCase(0)]
    [TestCase(1)]
    public void A_leg_that_hangs_leaves_and_returns_when_everything_has_landed(int hanging)
    {
        MirrorRig rig = Start();
        rig.Legs[hanging].Holds = true;
        TestRequest write = rig.Submit(Write(0, 1));
        rig.Advance(9);
        Assert.That(write.IsCompleted, Is.False, "there is time left");
        rig.Advance(4);
        Assert.That((write.Completions, write.Error, write.IsHeld), Is.EqualTo((1, Errno.None, true)));
        Assert.That(rig.Mirror.Knowledge[hanging].IsInSet, Is.False);
        Assert.That(rig.Write(8, seed: 2), Is.EqualTo(Errno.None), "new writes do without it at once");
        rig.Advance(120);
        rig.Legs[hanging].Holds = false;
        rig.Advance(120);
        Assert.That(rig.Mirror.Knowledge[hanging].IsInSet, Is.False, "what it was asked may still land");
        rig.Legs[hanging].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That((write.IsHeld, write.Unholds), Is.EqualTo((false, 1)));
        rig.Advance(30);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
    }

    // Goal: what a leg that hangs was to read another leg reads, into memory that the late one cannot touch.
    [Test]
    public void A_read_that_hangs_is_answered_from_another_leg()
    {
        MirrorRig rig = Start();
        rig.Write(0, seed: 1);
        rig.Legs[0].Holds = true;
        var buffer = new TestBuffer(4096);
        TestRequest read = TestRequest.Read(Sectors.Zero, buffer);
        read.TakesAny = true;
        rig.Submit(read);
        rig.Advance(13);
        Assert.That((read.Completions, read.Error, read.IsHeld), Is.EqualTo((1, Errno.None, true)));
        byte[] answer = new byte[4096];
        read.AnsweredData.CopyTo(answer);
        Assert.That(answer, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        rig.Legs[0].Contents().Clear();
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        read.AnsweredData.CopyTo(answer);
        Assert.That(answer, Is.EqualTo(MirrorRig.Bytes(8, 1)), "the late read wrote elsewhere");
        read.ReleaseAnswer();
    }

    // Goal: the last leg that holds something is waited for, however long it takes.
    [Test]
    public void The_last_holder_is_waited_for()
    {
        MirrorRig rig = Start();
        rig.Legs[1].FailAll();
        rig.Write(0, seed: 1);
        rig.Legs[0].Holds = true;
        TestRequest write = rig.Submit(Write(0, 2));
        rig.Advance(300);
        Assert.That((write.IsCompleted, rig.Mirror.Knowledge[0].IsInSet), Is.EqualTo((false, true)));
        rig.Legs[0].Holds = false;
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(write.Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: a flush that a leg hangs in is answered by the others, once it is recorded what the leg lacks.
    [Test]
    public void A_flush_that_hangs_is_answered()
    {
        MirrorRig rig = Start();
        rig.Write(0, seed: 1);
        rig.Legs[1].Holds = true;
        TestRequest flush = rig.Submit(TestRequest.Flush());
        rig.Advance(13);
        Assert.That((flush.Completions, flush.Error), Is.EqualTo((1, Errno.None)));
        Assert.That(rig.Mirror.Knowledge[1].Lacks.Contains(0), "what it has not flushed it may have lost");
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Advance(30);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
    }

    private static MirrorRig Start() => new MirrorRig(log: MirrorRig.DiskLog)
        .With(options => options with { LegsAreFresh = true, Mirror = new MirrorOptions { LegDeadline = TimeSpan.FromSeconds(10) } })
        .Start();

    private static TestRequest Write(long sector, int seed) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed));
}
