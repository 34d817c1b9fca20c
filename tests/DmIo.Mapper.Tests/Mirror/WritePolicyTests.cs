using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class WritePolicyTests
{
    // Goal: with a quorum a plain write is answered when as many legs have it; until the others do, it is read from those
    // that have it, later changes to its range wait, and its memory is held.
    [TestCase(0)]
    [TestCase(1)]
    public void A_write_is_answered_by_its_quorum(int slow)
    {
        MirrorRig rig = Start(new MirrorOptions { WriteQuorum = 1 });
        rig.Write(0, seed: 1);
        rig.Legs[slow].Holds = true;
        TestRequest write = rig.Submit(Write(0, 2));
        Assert.That((write.Completions, write.Error, write.IsHeld), Is.EqualTo((1, Errno.None, true)));
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
        TestRequest next = rig.Submit(Write(4, 3));
        Assert.That(next.IsCompleted, Is.False, "it has its turn after the slow leg's");
        rig.Legs[slow].Holds = false;
        rig.Legs[slow].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That((next.Error, write.IsHeld, write.Unholds), Is.EqualTo((Errno.None, false, 1)));
        rig.AssertLegsEqual();
    }

    // Goal: a flush and a durable write are not answered before laggards have caught up.
    [Test]
    public void A_flush_waits_for_laggards([Values] bool fua)
    {
        MirrorRig rig = Start(new MirrorOptions { WriteQuorum = 1 });
        rig.Legs[1].Holds = true;
        rig.Legs[0].ClearLog();
        rig.Submit(Write(0, 2, fua ? BlockFlags.Fua : BlockFlags.None));
        TestRequest durable = rig.Submit(fua ? Write(100, 3, BlockFlags.Fua) : TestRequest.Flush());
        Assert.That(durable.IsCompleted, Is.False);
        if (!fua)
            Assert.That(rig.Legs[0].Log.Any(call => call.Operation == BlockOperation.Flush), Is.False, "it comes after them");
        while (rig.Legs[1].Held.Count > 0)
        {
            rig.Legs[1].ReleaseAll();
            rig.Loop.RunUntilIdle();
        }
        Assert.That((durable.Completions, durable.Error), Is.EqualTo((1, Errno.None)));
    }

    // Goal: a laggard that fails leaves the set as any other leg, and a flush waits until that is recorded.
    [Test]
    public void A_laggard_that_fails_is_recorded_before_a_flush_ends()
    {
        MirrorRig rig = Start(new MirrorOptions { WriteQuorum = 1, Recovers = false });
        rig.Legs[1].Holds = true;
        Assert.That(rig.Submit(Write(0, 2)).Error, Is.EqualTo(Errno.None));
        rig.LogDevice!.Holds = true;
        rig.Legs[1].FailAll();
        rig.Legs[1].ReleaseAll();
        TestRequest flush = rig.Submit(TestRequest.Flush());
        Assert.That(flush.IsCompleted, Is.False, "the record is under way");
        rig.LogDevice.Holds = false;
        rig.LogDevice.ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(flush.Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Mirror.Knowledge[1].Lacks.Contains(0));
    }

    // Goal: a leg that alone has a write that was answered stays, whatever it fails, until another has it too.
    [Test]
    public void A_leg_that_alone_has_an_answered_write_stays()
    {
        MirrorRig rig = Start(new MirrorOptions { WriteQuorum = 1, Recovers = false });
        rig.Legs[0].Holds = true;
        Assert.That(rig.Submit(Write(0, 2)).Error, Is.EqualTo(Errno.None));
        rig.Legs[0].Holds = false;
        rig.Legs[1].Fail(new(4000), new(8));
        TestRequest other = rig.Submit(Write(4000, 3));
        Assert.That((other.Error, rig.Mirror.Knowledge[1].IsInSet), Is.EqualTo((Errno.None, true)));
        rig.Legs[0].FailAll();
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(other.IsCompleted);
        Assert.That(rig.Read(0).Data, Is.EqualTo(MirrorRig.Bytes(8, 2)));
    }

    // Goal: more than the bound never lags.
    [Test]
    public void Laggards_are_bounded()
    {
        MirrorRig rig = Start(new MirrorOptions { WriteQuorum = 1 }, sectors: 65536);
        rig.Legs[1].Holds = true;
        TestRequest[] writes =
            [.. Enumerable.Range(0, 20).Select(i => rig.Submit(TestRequest.Write(new(i * 2048), new TestBuffer(1 << 20))))];
        Assert.That(writes.Count(write => write.IsCompleted), Is.EqualTo(16), "16 MiB");
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(writes.All(write => write.IsCompleted));
    }

    // Goal: a write that a leg failed is held, by setting, until the leg is back, or for as long as is said.
    [Test]
    public void A_failed_write_is_held([Values] bool heals)
    {
        MirrorRig rig = Start(new MirrorOptions { HoldFailedWrites = TimeSpan.FromSeconds(20) });
        rig.Legs[1].FailAll();
        TestRequest write = rig.Submit(Write(0, 2));
        Assert.That(write.IsCompleted, Is.False);
        Assert.That(rig.Write(4000, seed: 3), Is.EqualTo(Errno.None), "others go on");
        if (heals)
            rig.Legs[1].Heal();
        rig.Advance(5);
        Assert.That(write.IsCompleted, Is.EqualTo(heals));
        rig.Advance(20);
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
    }

    private static MirrorRig Start(MirrorOptions mirror, long sectors = 32768) =>
        new MirrorRig(log: MirrorRig.DiskLog, sectors: sectors)
            .With(options => options with { LegsAreFresh = true, Mirror = mirror })
            .Start();

    private static TestRequest Write(long sector, int seed, BlockFlags flags = BlockFlags.None) =>
        TestRequest.Write(new Sectors(sector), TestBuffer.Random(new Sectors(8), seed), flags);
}
