namespace DmIo.Tests;

/// <summary>What is remembered of a file's data.</summary>
internal sealed class KnownDataTests
{
    // Goal: a run answers for its bytes alone, and only until holes may have been made.
    [Test]
    public void A_run_is_known_until_it_is_forgotten()
    {
        var known = new KnownData();
        Assert.That(known.EndAt(0), Is.EqualTo(-1));
        known.Found(100, 200, known.Version);
        Assert.That(new long[] { 99, 100, 199, 200 }.Select(known.EndAt), Is.EqualTo(new long[] { -1, 200, 200, -1 }));
        known.Forget();
        Assert.That(known.EndAt(150), Is.EqualTo(-1));
    }

    // Goal: a hole that another thread punched while the run was looked for is not data.
    [Test]
    public void What_was_looked_for_before_a_hole_was_made_is_not_noted()
    {
        var known = new KnownData();
        long version = known.Version;
        known.Forget();
        known.Found(100, 200, version);
        Assert.That(known.EndAt(150), Is.EqualTo(-1));
    }
}
