using DmIo.Testing;
using static DmIo.Mapper.Tests.CheckTests;

namespace DmIo.Mapper.Tests;

public sealed class LegFactsTests
{
    // Goal: what is asked of each leg is counted, with how long it takes.
    [Test]
    public void What_a_leg_is_asked_is_counted()
    {
        MirrorRig rig = Written(options => options with { PreferredLeg = 0 }, legs: 2);
        long before = rig.Device.LegFacts()[1].Writes.Operations;
        rig.Legs[1].Holds = true;
        rig.Submit(TestRequest.Write(new(100), TestBuffer.Random(new(16), 3)));
        LegFacts[] facts = [.. rig.Device.LegFacts()];
        Assert.That(facts.Select(leg => leg.Writes.InFlight), Is.EqualTo(new[] { 0, 1 }));
        rig.Advance(2);
        rig.Legs[1].ReleaseAll();
        rig.Loop.RunUntilIdle();
        rig.Legs[1].Holds = false;
        rig.Read(100);
        facts = [.. rig.Device.LegFacts()];
        Assert.That(facts.Select(leg => leg.Writes.InFlight), Is.All.Zero);
        Assert.That(facts[1].Writes.Operations, Is.EqualTo(before + 1));
        Assert.That(facts[1].Writes.Bytes, Is.EqualTo(24 * 512));
        // It counts an eighth.
        Assert.That(facts[1].Writes.MeanLatency.TotalMilliseconds, Is.InRange(249, 251));
        // 2 s are between 2^20 and 2^21 times 1024 ns.
        Assert.That(facts[1].Writes.Latencies[21], Is.EqualTo(1));
        Assert.That(facts[0].Writes.MeanLatency, Is.EqualTo(TimeSpan.Zero));
        Assert.That((facts[0].Reads.Operations, facts[0].Reads.Bytes), Is.EqualTo((1L, 8 * 512L)));
        Assert.That(facts[1].Reads.Operations, Is.Zero);
        Assert.That(facts.Select(leg => leg.Device), Is.EqualTo(new[] { "leg0", "leg1" }));
    }

    // Goal: errors are counted, the last one is told, and a leg that is out says what it lacks.
    [Test]
    public void What_a_leg_failed_is_told()
    {
        MirrorRig rig = Written(options => options with { Recovers = false }, legs: 2);
        rig.Legs[1].Fail(new(5003), new(1), Errno.ENOSPC, BlockOperation.Write);
        rig.Write(5000);
        LegFacts leg = rig.Device.LegFacts()[1];
        Assert.That((leg.IsInSet, leg.Health, leg.LackedRegions, leg.Regions), Is.EqualTo((false, 'D', 1L, 32L)));
        Assert.That(leg.Writes.Errors, Is.EqualTo(1));
        Assert.That(leg.LastFailure, Is.EqualTo(
            new LegTrouble(BlockOperation.Write, 5003, Errno.ENOSPC, rig.Loop.Time.GetUtcNow())));
    }

    // Goal: a read that was given up is under way until it has landed, and not longer.
    [Test]
    public void A_read_that_was_given_up_is_under_way_until_it_lands()
    {
        MirrorRig rig = Written(
            options => options with { PreferredLeg = 0, LegDeadline = TimeSpan.FromSeconds(1), Recovers = false }, legs: 2);
        rig.Legs[0].Holds = true;
        TestRequest read = TestRequest.Read(new(100), new TestBuffer(4096));
        read.TakesAny = true;
        rig.Submit(read);
        rig.Advance(2);
        Assert.That(rig.Device.LegFacts()[0].Reads.InFlight, Is.EqualTo(1));
        rig.Legs[0].ReleaseAll();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Device.LegFacts()[0].Reads.InFlight, Is.Zero);
    }

    // Goal: a map of the regions in few cells shows in each the most remarkable.
    [Test]
    public void The_map_shows_the_most_remarkable()
    {
        MirrorRig rig = Written(options => options with { RecoveryRateBytes = 1 << 19 }, legs: 2);
        Assert.That(Map(rig, 100), Is.EqualTo(new string('i', 32)), "no more cells than regions");
        rig.Write(0);
        rig.Write(20 * 1024);
        Assert.That(Map(rig, 8), Is.EqualTo("diiiidii"));
        Assert.That(Map(rig, 5), Is.EqualTo("diidi"));
        rig.Mirror.Knowledge.Differ(31);
        Assert.That(Map(rig, 32), Is.EqualTo("d" + new string('i', 19) + "d" + new string('i', 10) + "o"));
        rig.Legs[1].Holds = true;
        rig.Mirror.StartRecovery();
        rig.Loop.RunUntilIdle();
        Assert.That(Map(rig, 2), Is.EqualTo("dc"));
    }

    private static string Map(MirrorRig rig, int cells) =>
        new([.. rig.Loop.Finish(rig.Device.RegionMapAsync(cells)).Select(state => "idoc"[(int)state])]);
}
