using NUnit.Framework;

namespace DmIo.Daemon.Tests;

/// <summary>A part of what tests/changes does for minutes.</summary>
public sealed class ChangeRunTests
{
    // Each kind of change once.
    private const int Changes = 10;

    // Goal: whatever the verbs change under load, no request fails, nothing acknowledged is lost and the legs are the same.
    [TestCase(1, false)]
    [TestCase(2, true)]
    public void Changes_under_load_lose_nothing(int seed, bool diskLog)
    {
        using var run = new ChangeRun(new ChangeOptions(seed) { DiskLog = diskLog }, TestContext.Out);
        Assert.That(() => run.Run(done => done < Changes), Throws.Nothing);
    }
}
