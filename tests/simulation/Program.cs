using System.Collections.Concurrent;
using System.Globalization;
using DmIo.Mapper.Tests;

// Many lives of a mirror, for hours if need be: --first SEED --lives N --steps N --jobs N. The first seed that fails ends
// it: its story is printed, and the exit status is 1. With --all 1 it goes on, and only a line is printed for each.
// All that can happen in some thousand steps, or nearly.
const int StoryLines = 200_000;
var given = new Dictionary<string, int> { ["--first"] = 1, ["--lives"] = 500, ["--steps"] = 2000, ["--jobs"] = 1, ["--faults"] = 0, ["--all"] = 0 };
for (int i = 0; i < args.Length; i += 2)
{
    if (!given.ContainsKey(args[i]) || i + 1 == args.Length
        || !int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out int value))
    {
        Console.Error.WriteLine("usage: [--first SEED] [--lives N] [--steps N] [--jobs N] [--all 1] [--faults 1]");
        return 2;
    }
    given[args[i]] = value;
}

if (given["--faults"] > 0)
    return SearchFaults(given["--lives"], given["--steps"]);

long start = TimeProvider.System.GetTimestamp();
var reached = new ConcurrentDictionary<string, long>();
int next = given["--first"];
int end = next + given["--lives"];
string? failure = null;
int failures = 0;
Thread[] workers = [.. Enumerable.Range(0, given["--jobs"]).Select(_ => new Thread(Work))];
foreach (Thread worker in workers)
    worker.Start();
foreach (Thread worker in workers)
    worker.Join();
if (failure is not null)
{
    Console.WriteLine(failure);
    return 1;
}
foreach ((string what, long times) in reached.OrderBy(pair => pair.Key))
    Console.WriteLine($"{what}: {times}");
long steps = (long)given["--lives"] * given["--steps"];
Console.WriteLine(
    $"seeds {given["--first"]} to {end - 1}: {steps} steps in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:0} s, "
    + (failures == 0 ? "nothing lost" : $"{failures} seeds failed"));
return failures == 0 ? 0 : 1;

void Work()
{
    while (failure is null && Interlocked.Increment(ref next) - 1 is var seed && seed < end)
    {
        var simulation = new MirrorSimulation(seed);
        if (simulation.Live(given["--steps"]) is { } problem)
        {
            if (given["--all"] > 0)
            {
                Console.WriteLine($"seed {seed}: {problem.Split('\n')[0]}");
                Interlocked.Increment(ref failures);
                continue;
            }
            // The same once more, now with its story.
            var story = new Story(StoryLines);
            new MirrorSimulation(seed, story).Live(given["--steps"]);
            failure = $"{story}\nseed {seed}: {problem}";
            return;
        }
        foreach ((string what, long times) in simulation.Reached)
            reached.AddOrUpdate(what, times, (_, before) => before + times);
    }
}

// Whether each planted fault is noticed, in which seed and how soon.
static int SearchFaults(int lives, int steps)
{
    int missed = 0;
    foreach (PlantedFault fault in PlantedFaults.All)
    {
        long begin = TimeProvider.System.GetTimestamp();
        string? noticed = fault.FindNoticed(lives, steps);
        missed += noticed is null ? 1 : 0;
        string first = noticed?.Split('\n')[0] ?? "NOT NOTICED";
        Console.WriteLine($"{TimeProvider.System.GetElapsedTime(begin).TotalSeconds,5:0.0} s  {fault}: {first}");
    }
    return missed == 0 ? 0 : 1;
}
