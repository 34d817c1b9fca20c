using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class RecoveryDeadlineTests
{
    private const double PastDeadline = 13;

    // A region, in sectors.
    private const long Region = 1024;

    // Goal: memory that recovery's read of a leg that hangs may still write into is used for nothing else: recovery goes on
    // from another leg, and what the late read brings is on none.
    [Test]
    public void A_late_read_of_recovery_keeps_its_memory()
    {
        MirrorRig rig = Rig(legs: 3).Start();
        rig.Legs[2].FailAll();
        rig.Write(3 * Region, seed: 3);
        rig.Stop();
        rig.Legs[2].Heal();
        rig.Legs[0].Holds = true;
        rig.WithMirror(mirror => mirror with { Recovers = true }).StartBusy();
        Assert.That(rig.Legs[0].Held.Single().Operation, Is.EqualTo(BlockOperation.Read));
        rig.Advance(10.5);
        Assert.That(rig.Mirror.Knowledge[0].IsInSet, Is.False);
        // It is tried again a second after the deadline.
        rig.Legs[2].Holds = true;
        rig.Advance(1);
        BlockRequest copy = rig.Legs[2].Held.Single(request => request.Operation == BlockOperation.Write);
        // What lands late is told apart from what the other leg has.
        rig.Legs[0].Contents().Fill(0xEE);
        rig.Legs[0].ReleaseFirst();
        rig.Loop.RunUntilIdle();
        rig.Legs[2].Holds = false;
        rig.Legs[2].Release(copy);
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Legs[2].Contents().SequenceEqual(rig.Legs[1].Contents()));
    }

    // Goal: recovery's write onto a leg that hangs and cannot be done without is waited for, however long it takes: a
    // client's write of the same place has its turn after it, and is what stays.
    [Test]
    public void A_late_write_of_recovery_onto_the_last_holder_is_waited_for()
    {
        MirrorRig rig = Rig(legs: 2).Start();
        rig.Legs[1].FailAll();
        rig.Write(3 * Region, seed: 3);
        rig.Stop();
        rig.Legs[1].Heal();
        rig.Start();
        rig.Legs[0].Fail(new(5 * Region), new(Region));
        Assert.That(rig.Write(5 * Region, seed: 5), Is.EqualTo(Errno.None));
        Assert.That(rig.Mirror.Knowledge[0].IsInSet, "each leg alone holds a region");
        rig.Stop();
        rig.Legs[0].Heal();
        rig.Legs[1].Holds = true;
        rig.WithMirror(mirror => mirror with { Recovers = true }).StartBusy();
        BlockRequest copy = rig.Legs[1].Held.Single(request => request.Operation == BlockOperation.Write);
        Assert.That(copy.Start, Is.EqualTo(new Sectors(3 * Region)));
        rig.Legs[0].ClearLog();
        TestRequest write = rig.Submit(TestRequest.Write(new(3 * Region), TestBuffer.Random(new(8), 9)));
        rig.Advance(20 * PastDeadline);
        Assert.That(rig.Mirror.Knowledge[1].IsInSet);
        Assert.That(rig.Legs[0].Log.Any(call => call.Operation == BlockOperation.Write), Is.False, "its turn has not come");
        rig.Legs[1].Holds = false;
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That((write.Completions, write.Error), Is.EqualTo((1, Errno.None)));
        rig.Advance(60);
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Read(3 * Region).Data, Is.EqualTo(MirrorRig.Bytes(8, 9)));
        Assert.That(rig.Read(5 * Region).Data, Is.EqualTo(MirrorRig.Bytes(8, 5)));
    }

    // Legs that leave stay out, and what they lack is not copied, until a later start.
    private static MirrorRig Rig(int legs) => new MirrorRig(legs, log: "disk 3 log {0} nosync")
        .WithMirror(_ => new MirrorOptions
        {
            LegDeadline = TimeSpan.FromSeconds(10),
            CleanAfter = TimeSpan.FromHours(1),
            Recovers = false,
        });
}
