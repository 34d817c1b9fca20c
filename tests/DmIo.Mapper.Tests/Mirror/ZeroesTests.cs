using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class ZeroesTests
{
    // Goal: a discard is zeroing on every leg, so the legs stay identical whatever their own discard would leave
    // behind.
    [Test]
    public void A_discard_zeroes_every_leg()
    {
        MirrorRig rig = Filled();
        Assert.That(rig.Do(TestRequest.Discard(new(100), new(50))), Is.EqualTo(Errno.None));
        Assert.That(rig.Legs.Select(leg => leg.Log[^1]), Is.All.EqualTo(
            new ScriptedCall(BlockOperation.WriteZeroes, BlockFlags.None, new(100), new(50))));
        AssertZero(rig, 100, 50);
    }

    // Goal: a discard is offered only when every leg can discard, with the smallest limit.
    [Test]
    public void A_discard_is_offered_when_every_leg_can()
    {
        var rig = new MirrorRig();
        rig.Legs[0].DiscardCapability = new(500);
        rig.Legs[1].DiscardCapability = new(300);
        Assert.That(rig.Start().Device.DiscardLimit, Is.EqualTo(new Sectors(300)));
        rig.Legs[1].DiscardCapability = Sectors.Zero;
        Assert.That(rig.Start().Device.DiscardLimit, Is.EqualTo(Sectors.Zero));
    }

    // Goal: a leg that cannot write zeroes, or fails to, gets them as data and stays in the set.
    [TestCase(BlockOperation.Discard)]
    [TestCase(BlockOperation.WriteZeroes)]
    public void Zeroes_are_written_as_data_where_a_leg_cannot(BlockOperation operation)
    {
        MirrorRig rig = Filled(legs: 3);
        rig.Legs[1].WriteZeroesCapability = Sectors.Zero;
        rig.Legs[2].FailAll(Errno.EIO, BlockOperation.WriteZeroes);
        rig.Stop();
        rig.Start();
        TestRequest request = operation == BlockOperation.Discard
            ? TestRequest.Discard(new(100), new(9000))
            : TestRequest.WriteZeroes(new(100), new(9000), BlockFlags.Fua | BlockFlags.NoUnmap);
        Assert.That(rig.Do(request), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AAA "));
        AssertZero(rig, 100, 9000);
        bool isDurable = (request.Flags & BlockFlags.Fua) != 0;
        IEnumerable<ScriptedCall> pages =
            rig.Legs.Skip(1).SelectMany(leg => leg.Log).Where(call => call.Operation == BlockOperation.Write && call.Start >= new Sectors(100));
        BlockFlags flags = isDurable ? BlockFlags.Fua : BlockFlags.None;
        Assert.That(pages.TakeLast(2).Select(call => call.Flags), Is.EqualTo(new[] { flags, flags }));
    }

    // Goal: a leg on which zeroes cannot be written even as data has failed a write and leaves the set.
    [Test]
    public void A_leg_that_cannot_be_zeroed_at_all_leaves()
    {
        MirrorRig rig = Filled();
        rig.Legs[1].Fail(new(120), new(1), Errno.ENOSPC);
        Assert.That(rig.Do(TestRequest.Discard(new(100), new(50))), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Does.Contain(" 31/32 1 AD "));
        Assert.That(rig.Log.Of(2002).Single(), Does.Contain("Write at sector 120: ENOSPC, error bits 0x2"));
    }

    // Goal: zeroing that every leg fails is EIO and drops none.
    [Test]
    public void Zeroing_that_all_fail_is_EIO()
    {
        MirrorRig rig = Filled();
        foreach (ScriptedDevice leg in rig.Legs)
            leg.FailAll(Errno.ENOSPC);
        Assert.That(rig.Do(TestRequest.WriteZeroes(new(100), new(50))), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Status, Does.Contain(" 31/32 1 DD "));
        rig.AssertRecorded("in", "in");
    }

    private static MirrorRig Filled(int legs = 2)
    {
        MirrorRig rig = new MirrorRig(legs).WithMirror(_ => MirrorRig.AsTheKernel with { CleanAfter = TimeSpan.FromSeconds(5) }).Start();
        for (long sector = 0; sector < 32768; sector += 4096)
            rig.Write(sector, 4096, seed: (int)sector);
        rig.Advance(10);
        return rig;
    }

    private static void AssertZero(MirrorRig rig, long start, long count)
    {
        rig.AssertLegsEqual();
        Assert.That(rig.Legs[0].Contents(new(start), new(count)).IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
        Assert.That(rig.Legs[0].Contents(new(start - 1), new(1)).Contains((byte)0), Is.False);
        Assert.That(rig.Legs[0].Contents(new(start + count), new(1)).Contains((byte)0), Is.False);
    }
}
