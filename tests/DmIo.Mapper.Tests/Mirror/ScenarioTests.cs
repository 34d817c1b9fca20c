namespace DmIo.Mapper.Tests;

public sealed class ScenarioTests
{
    // Few enough for every build; DMIO_SCENARIOS sets another number, DMIO_SEED runs one seed alone.
    private const int Scenarios = 400;
    private const int Steps = 250;

    // Goal: whatever clients, legs, the state file and crashes do to a mirror, nothing acknowledged is lost, nothing
    // wrong is read, and legs that are said to be in sync are identical. A failing seed is printed and replays its
    // scenario.
    [Test]
    public void Nothing_acknowledged_is_lost_and_legs_in_sync_are_identical()
    {
        string? only = Environment.GetEnvironmentVariable("DMIO_SEED");
        int first = only is null ? 1 : int.Parse(only);
        string? many = Environment.GetEnvironmentVariable("DMIO_SCENARIOS");
        int last = only is not null ? first : many is null ? Scenarios : int.Parse(many);
        var reached = new SortedDictionary<string, long>();
        for (int seed = first; seed <= last; seed++)
        {
            var scenario = new MirrorScenario(seed);
            try
            {
                scenario.Run(Steps);
                foreach ((string what, long count) in scenario.Reached)
                    reached[what] = reached.GetValueOrDefault(what) + count;
            }
            catch (Exception e)
            {
                Assert.Fail($"DMIO_SEED={seed} fails: {e}\n{scenario.Story}");
            }
        }
        TestContext.Out.WriteLine(string.Join(", ", reached.Select(entry => $"{entry.Value} {entry.Key}")));
        if (only is null)
            Assert.That(reached.Values, Is.All.GreaterThan(0), "the scenarios reach all that they are there for");
    }
}
