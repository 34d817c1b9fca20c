namespace DmIo.Mapper.Tests;

public sealed class DiskScenarioTests
{
    // Few enough for every build; DMIO_SCENARIOS sets another number, DMIO_SEED runs one seed alone.
    private const int Scenarios = 300;
    private const int Steps = 1000;

    // Goal: the simulated disk does everything that is said of it, and the model allows all of it. A failing seed is
    // printed and replays its scenario.
    [Test]
    public void A_disk_does_all_that_disks_do_and_nothing_else()
    {
        string? only = Environment.GetEnvironmentVariable("DMIO_SEED");
        int first = only is null ? 1 : int.Parse(only);
        string? many = Environment.GetEnvironmentVariable("DMIO_SCENARIOS");
        int last = only is not null ? first : many is null ? Scenarios : int.Parse(many);
        var coverage = new DiskCoverage();
        long reads = 0;
        for (int seed = first; seed <= last; seed++)
        {
            var scenario = new DiskScenario(seed);
            try
            {
                scenario.Run(Steps);
            }
            catch (Exception e)
            {
                Assert.Fail($"DMIO_SEED={seed} fails: {e}\n{scenario.Story}");
            }
            coverage.Add(scenario.Media.Coverage);
            reads += scenario.Reads;
        }
        TestContext.Out.WriteLine($"{reads} reads, {coverage}");
        // What lands after its failure breaks what one disk promises; it has a test of its own.
        DiskEvent[] elsewhere = [DiskEvent.LandedAfterError, DiskEvent.WrittenBack];
        if (only is null)
            Assert.That(coverage.Missing.Except(elsewhere), Is.Empty, "the scenarios reach all that they are there for");
    }

    // Goal: the same seed gives the same run, to the last event.
    [Test]
    public void A_seed_replays()
    {
        string Told(int seed)
        {
            var scenario = new DiskScenario(seed);
            scenario.Run(Steps);
            return $"{scenario.Story} {scenario.Media.Coverage}";
        }

        for (int seed = 1; seed <= 5; seed++)
        {
            string once = Told(seed);
            Assert.That(Told(seed), Is.EqualTo(once), $"seed {seed}");
        }
    }

    // Goal: disks that do what no disk may are found out: durability that is only claimed, writes that are not done, what
    // lands after its failure.
    [TestCase("durability")]
    [TestCase("writes")]
    [TestCase("landings")]
    public void A_disk_that_breaks_its_promise_is_found_out(string promise)
    {
        const int Disks = 20;
        int found = 0;
        for (int seed = 1; seed <= Disks; seed++)
        {
            var scenario = new DiskScenario(seed, media => Break(media, promise));
            try
            {
                scenario.Run(Steps);
            }
            catch (HistoryViolationException e)
            {
                if (found++ == 0)
                    TestContext.Out.WriteLine(e.Message);
            }
        }
        Assert.That(found, Is.GreaterThan(Disks / 4));
    }

    private static void Break(SimulatedMedia media, string promise)
    {
        media.HasCache = true;
        SimulatedFaults faults = media.Faults;
        switch (promise)
        {
            case "durability":
                faults.LiesAboutDurability = true;
                break;
            case "writes":
                faults.SilentlyLostWrites = 0.02;
                break;
            default:
                media.LatencyMean = TimeSpan.FromMilliseconds(3);
                faults.WriteErrors = 0.4;
                faults.LandingsAfterError = 1;
                faults.SlowOperations = 0.2;
                faults.SlowLatency = TimeSpan.FromMilliseconds(100);
                break;
        }
    }
}
