namespace DmIo.Mapper.Tests;

public sealed class MirrorSimulationTests
{
    private const int Steps = 2000;

    // As many lives as CI has time for: 10^6 steps. DMIO_SCENARIOS asks for more, DMIO_SEED for one that failed.
    private const int Scenarios = 500;

    // All that can happen in so many steps, or nearly.
    private const int StoryLines = 200_000;

    // Goal: whatever happens to legs, log, power and program, nothing acknowledged is lost, nothing is read that was not
    // written there, a clean bit means identical legs, and all legs come to be equal again.
    [Test]
    public void Nothing_acknowledged_is_ever_lost()
    {
        int first = Environment.GetEnvironmentVariable("DMIO_SEED") is { } seed ? int.Parse(seed) : 1;
        int count = Environment.GetEnvironmentVariable("DMIO_SCENARIOS") is { } many ? int.Parse(many)
            : first == 1 ? Scenarios : 1;
        var reached = new Dictionary<string, long>();
        for (int i = first; i < first + count; i++)
            Live(i, reached);
        foreach ((string what, long times) in reached.OrderBy(pair => pair.Key))
            TestContext.Out.WriteLine($"{what}: {times}");
    }

    private static void Live(int seed, Dictionary<string, long> reached)
    {
        var simulation = new MirrorSimulation(seed);
        if (simulation.Live(Steps) is { } problem)
        {
            // The same once more, now with its story.
            var story = new Story(StoryLines);
            new MirrorSimulation(seed, story).Live(Steps);
            Assert.Fail($"{story}\nseed {seed} (replay with DMIO_SEED={seed}): {problem}");
        }
        foreach ((string what, long times) in simulation.Reached)
            reached[what] = reached.GetValueOrDefault(what) + times;
    }
}
