using DmIo.Testing;

namespace DmIo.Mapper.Tests;

public sealed class BirthTests
{
    private const string Unsaid = "core 1 {0}";

    // Goal: legs that hold data, and nobody says anything: nothing starts, nothing is written, and both ways out are
    // told.
    [Test]
    public void Legs_with_data_ask_for_a_word()
    {
        var rig = new MirrorRig(log: Unsaid);
        string problem = rig.StartProblem<BirthException>();
        Assert.That(problem, Does.Contain("leg 0 (leg0)").And.Contain("--sync-from LEG").And.Contain("--assume-clean"));
        Assert.That(rig.Store.Text, Is.Null);
        Assert.That(rig.Legs.SelectMany(leg => leg.Log), Is.Empty);
    }

    // Goal: legs just created are in sync.
    [Test]
    public void Fresh_legs_are_in_sync() =>
        AssertBornInSync(new MirrorRig(log: Unsaid).With(options => options with { LegsAreFresh = true }));

    // Goal: --assume-clean is believed.
    [Test]
    public void Assumed_clean_is_in_sync() =>
        AssertBornInSync(new MirrorRig(log: Unsaid).With(options => options with { AssumeClean = true }));

    // Goal: nosync in the table is --assume-clean at birth.
    [Test]
    public void Nosync_is_in_sync() => AssertBornInSync(new MirrorRig(log: "core 2 {0} nosync"));

    // Goal: legs that are wholly holes are in sync; a single leg with data is enough to ask.
    [Test]
    public void Holes_are_in_sync()
    {
        var rig = new MirrorRig(log: Unsaid);
        foreach (ScriptedDevice leg in rig.Legs)
            leg.Extents = (start, count) => [new BlockExtent(start, count, ExtentKind.Hole)];
        rig.Legs[1].Extents = (start, count) =>
            [new(start, new(8), ExtentKind.Hole), new(start + new Sectors(8), count - new Sectors(8), ExtentKind.Zero)];
        Assert.That(rig.StartProblem<BirthException>(), Does.Contain("leg 1 (leg1)"));
        rig.Legs[1].Extents = rig.Legs[0].Extents;
        AssertBornInSync(rig);
    }

    // Goal: --sync-from copies the leg that it names over the others, by itself, while serving.
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public void Sync_from_copies(int source)
    {
        MirrorRig rig = new MirrorRig(3, log: Unsaid).With(options => options with { SyncFrom = source });
        foreach (ScriptedDevice leg in rig.Legs)
            new Random(leg.Name[^1]).NextBytes(leg.Contents());
        byte[] expected = rig.Legs[source].Contents().ToArray();
        rig.Start();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AAA "));
        rig.AssertLegsEqual();
        Assert.That(rig.Legs[source].Contents().SequenceEqual(expected));
        Assert.That(rig.Log.Of(2008).Count(), Is.EqualTo(2));
        Assert.That(rig.Log.Of(2007), Is.Not.Empty, "progress is told");
    }

    // Goal: sync in the table is --sync-from 0 at birth.
    [Test]
    public void Sync_in_the_table_copies_leg_0()
    {
        var rig = new MirrorRig(log: "core 2 {0} sync");
        new Random(1).NextBytes(rig.Legs[0].Contents());
        rig.Start();
        rig.Loop.RunUntilIdle();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
        rig.AssertLegsEqual();
    }

    // Goal: contradictions and legs that there are not are refused.
    [Test]
    public void Wrong_options_are_refused()
    {
        var rig = new MirrorRig(log: Unsaid);
        rig.With(options => options with { SyncFrom = 2 });
        Assert.That(
            rig.StartProblem<MapperException>(), Does.Contain("--sync-from 2 names no leg").And.Contain("from 0 to 1"));
        rig.With(options => options with { SyncFrom = 0, AssumeClean = true });
        Assert.That(rig.StartProblem<MapperException>(), Does.Contain("exclude each other"));
    }

    private static void AssertBornInSync(MirrorRig rig)
    {
        rig.Start();
        Assert.That(rig.Status, Is.EqualTo("0 32768 mirror 2 leg0 leg1 32/32 1 AA 1 core"));
        Assert.That(rig.Device.EventNumber, Is.Zero);
        rig.AssertRecorded("in", "in");
        Assert.That(rig.Store.State.Clean, Is.True);
        rig.Stop();
        // Once born, the state file vouches and later starts ask nothing.
        rig.With(options => options with { LegsAreFresh = false, AssumeClean = false }).Start();
        Assert.That(rig.Status, Does.Contain(" 32/32 1 AA "));
    }
}
