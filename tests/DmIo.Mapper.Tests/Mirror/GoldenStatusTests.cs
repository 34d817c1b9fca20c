using DmIo.Testing;

namespace DmIo.Mapper.Tests;

/// <summary>
/// The rows of dm-semantics B.11 that apply to a core log, 32 regions of 1024 sectors, without recovery and repair. Where
/// ours differs from the kernel's, the row says why: a write is never held, a leg that failed is not written any more, and
/// events are always raised.
/// </summary>
public sealed class GoldenStatusTests
{
    private static readonly string[] s_features = ["", " 1 handle_errors", " 2 handle_errors keep_log"];

    // Goal: "secondary write error r4, r6": AD, one region less in sync for each, one event, success (kernel: the same
    // with keep_log, held with handle_errors alone, no event without features).
    [TestCaseSource(nameof(s_features))]
    public void Secondary_write_error(string features)
    {
        MirrorRig rig = Open(features);
        rig.Legs[1].FailAll();
        Assert.That(WriteRegion(rig, 4), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 31/32 1 AD 1 core"));
        Assert.That(WriteRegion(rig, 6), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 30/32 1 AD 1 core"));
        Assert.That(rig.Device.EventNumber, Is.EqualTo(1));
    }

    // Goal: "leg back, no reload, write r7": ours does not write to a leg that has left the set, so r7 is lacking too
    // (kernel: 30/32, since it goes on writing to the failed leg).
    [Test]
    public void Leg_back_without_a_reload()
    {
        MirrorRig rig = Open(s_features[2]);
        rig.Legs[1].FailAll();
        WriteRegion(rig, 4);
        WriteRegion(rig, 6);
        rig.Legs[1].Heal();
        rig.Legs[1].ClearLog();
        Assert.That(WriteRegion(rig, 7), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 29/32 1 AD 1 core"));
        Assert.That(rig.Legs[1].Log, Is.Empty);
    }

    // Goal: "primary write error r4, then r5": DA, success, and reads come from leg 1.
    [Test]
    public void Primary_write_error()
    {
        MirrorRig rig = Open(s_features[2]);
        rig.Legs[0].FailAll();
        Assert.That(WriteRegion(rig, 4), Is.EqualTo(Errno.None));
        Assert.That(WriteRegion(rig, 5), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 30/32 1 DA 1 core"));
        rig.Legs[0].Heal();
        rig.Legs[0].ClearLog();
        Assert.That(rig.Read(4 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        Assert.That(rig.Legs[0].Log, Is.Empty, "a stale leg is not read");
    }

    // Goal: "primary read error": RA, everything stays in sync, one event, success from leg 1.
    [Test]
    public void Primary_read_error()
    {
        MirrorRig rig = Open(s_features[1]);
        WriteRegion(rig, 3);
        rig.Legs[0].FailAll(Errno.EIO, BlockOperation.Read);
        Assert.That(rig.Read(3 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 1)));
        Assert.That(rig.Read(3 * 1024).Error, Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 32/32 1 RA 1 core"));
        Assert.That(rig.Device.EventNumber, Is.EqualTo(1));
    }

    // Goal: "both legs dead, write/read r3": DD, EIO and EIO; the device lives and goes on when a leg does.
    [Test]
    public void Both_legs_dead()
    {
        // Lazy, since marking the region clean would need a flush, which fails too: FF.
        MirrorRig rig = new MirrorRig(features: s_features[2]).WithMirror(_ => MirrorRig.AsTheKernel with
        {
            CleanAfter = TimeSpan.FromSeconds(5),
        }).Start();
        foreach (ScriptedDevice leg in rig.Legs)
            leg.FailAll();
        Assert.That(WriteRegion(rig, 3), Is.EqualTo(Errno.EIO));
        Assert.That(rig.Read(3 * 1024).Error, Is.EqualTo(Errno.EIO));
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 31/32 1 DD 1 core"));
        foreach (ScriptedDevice leg in rig.Legs)
            leg.Heal();
        Assert.That(WriteRegion(rig, 3, seed: 9), Is.EqualTo(Errno.None));
        Assert.That(rig.Read(3 * 1024).Data, Is.EqualTo(MirrorRig.Bytes(8, 9)));
    }

    // Goal: "caller fsync fails on secondary": 32/32 AD, success; "... then a write that also fails there": 31/32 AD
    // (kernel: two events, since it forgets the first failure in between; ours counts one).
    [Test]
    public void Caller_flush_fails_on_the_secondary()
    {
        MirrorRig rig = Open(s_features[2]);
        rig.Legs[1].FailAll();
        Assert.That(rig.Do(TestRequest.Flush()), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 32/32 1 AD 1 core"));
        Assert.That(WriteRegion(rig, 3), Is.EqualTo(Errno.None));
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 31/32 1 AD 1 core"));
        Assert.That(rig.Device.EventNumber, Is.EqualTo(1));
    }

    // Goal: captures 01 section 3: three legs, offsets, a partial last region, small regions.
    [TestCase(40000, 1024, "40/40")]
    [TestCase(40000, 8, "5000/5000")]
    [TestCase(32768, 32768, "1/1")]
    public void Regions_are_counted_up(long sectors, long regionSize, string count)
    {
        MirrorRig rig = new MirrorRig(3, sectors, regionSize).Start();
        Assert.That(rig.Status, Is.EqualTo($"0 {sectors} mirror 3 leg0 leg1 leg2 {count} 1 AAA 1 core"));
    }

    // Goal: each change of health is one line for the leg, with path, sector, errno, bits, and one status line.
    [Test]
    public void A_failing_leg_is_told_once_with_everything()
    {
        MirrorRig rig = new MirrorRig(3).Start();
        rig.Legs[1].Fail(new(5000), new(100), Errno.ENOSPC);
        rig.Write(4990, 100);
        rig.Write(4990, 100);
        Assert.That(rig.Log.Of(2002), Is.EqualTo(new[]
        {
            "vol0: leg 1 leg1 failed: Write at sector 5000: ENOSPC, error bits 0x2; it left the set and comes back "
            + "when it answers again",
        }));
        Assert.That(rig.Log.Of(2001).Last(), Is.EqualTo("vol0: 0 32768 mirror 3 leg0 leg1 leg2 31/32 1 ADA 1 core"));
        Assert.That(rig.Log.Of(2003), Is.Empty);
    }

    private static MirrorRig Open(string features) =>
        new MirrorRig(features: features).WithMirror(_ => MirrorRig.AsTheKernel).Start();

    private static Errno WriteRegion(MirrorRig rig, long region, int seed = 1) => rig.Write(region * 1024, seed: seed);
}
