namespace DmIo.Nbd.Tests;

/// <summary>
/// Clients that send nonsense, and nearly sense: whatever they do, every reply is one that the protocol allows, the
/// devices hold what was acknowledged, others are served, and nothing is left behind. The long form is tests/fuzz.
/// </summary>
internal sealed class FuzzTests
{
    private const int FreshCases = 2500;

    // A case that has not been made smaller by then is small enough to look at.
    private static readonly TimeSpan s_shrinkTime = TimeSpan.FromSeconds(30);

    private static string CorpusPath => Path.Combine(TestContext.CurrentContext.TestDirectory, "Fuzzing", "corpus.txt");

    private static string CrashPath => Path.Combine(TestContext.CurrentContext.WorkDirectory, "fuzz-crash.txt");

    [Test]
    public void Whatever_was_found_once_is_answered_by_the_rules()
    {
        // Goal: the corpus: a case for everything that the long form has found to happen, and what failed once.
        using var worlds = new FuzzWorlds(CrashPath);
        List<FuzzCase> corpus = FuzzCase.ParseAll(File.ReadLines(CorpusPath));
        Assert.That(corpus, Is.Not.Empty);
        foreach (FuzzCase what in corpus)
            Run(worlds, what, "a case of the corpus");
    }

    [Test]
    public void Whatever_clients_send_is_answered_by_the_rules()
    {
        // Goal: fresh cases, and the corpus' changed in a few places. DMIO_SEED replays one that failed.
        int first = Environment.GetEnvironmentVariable("DMIO_SEED") is { } given ? int.Parse(given) : Random.Shared.Next();
        int count = Environment.GetEnvironmentVariable("DMIO_SEED") is null ? FreshCases : 1;
        TestContext.Progress.WriteLine($"seeds {first} to {first + count - 1}");
        using var worlds = new FuzzWorlds(CrashPath);
        List<FuzzCase> corpus = FuzzCase.ParseAll(File.ReadLines(CorpusPath));
        for (int seed = first; seed < first + count; seed++)
        {
            var random = new Random(seed);
            var generator = new FuzzGenerator(random);
            FuzzCase what = random.Next(3) == 0
                ? generator.Case()
                : new FuzzMutator(random, generator).Mutate(
                    corpus[random.Next(corpus.Count)], corpus[random.Next(corpus.Count)]);
            Run(worlds, what, $"seed {seed} (replay with DMIO_SEED={seed})");
        }
    }

    private static void Run(FuzzWorlds worlds, FuzzCase what, string name)
    {
        if (worlds.Run(what, new HashSet<uint>()) is not { } failure)
            return;
        // At once: making it smaller may take the process with it.
        TestContext.Progress.WriteLine($"{name}: {failure}\nThe case, which tests/fuzz --replay takes from a file:\n{what}");
        (FuzzCase small, string how) = FuzzShrinker.Shrink(what, failure, s_shrinkTime);
        Assert.Fail($"{name}: {failure}\nMade smaller: {how}\n{small}");
    }
}
