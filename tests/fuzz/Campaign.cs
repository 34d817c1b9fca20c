using System.Globalization;
using DmIo.Nbd.Tests;

namespace DmIo.Fuzz;

/// <summary>Cases for as long as is asked for, each from a seed and what was found before.</summary>
public sealed class Campaign
{
    // One in so many is made from nothing.
    private const int FreshOneIn = 6;

    // After so many cases whatever failed without anybody waiting for it comes to light.
    private const int CollectEvery = 2000;

    private static readonly TimeSpan s_shrinkTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_reportEvery = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Novelty _novelty = new();
    private readonly Corpus _corpus = new();
    private readonly List<string> _methods;
    private readonly string _failures;
    private readonly TimeSpan _bound;
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private int _nextSeed;
    private int _failed;
    private long _cases;
    private string? _unobserved;

    private Campaign(int first, int seconds, string failures, List<string> methods)
    {
        _nextSeed = first;
        _bound = TimeSpan.FromSeconds(seconds);
        _failures = failures;
        _methods = methods;
        TaskScheduler.UnobservedTaskException += (_, e) => Volatile.Write(ref _unobserved, e.Exception.ToString());
    }

    private TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(_start);

    /// <summary>Begins, with the command line's options and the method of every block.</summary>
    /// <returns>The exit status.</returns>
    public static int Start(
        IReadOnlyDictionary<string, int> numbers, IReadOnlyDictionary<string, string?> texts, List<string> methods)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        ArgumentNullException.ThrowIfNull(texts);
        var campaign = new Campaign(numbers["--first"], numbers["--seconds"], texts["--failures"]!, methods);
        if (texts["--replay"] is { } replay)
            return campaign.Replay(replay);
        if (texts["--corpus"] is { } corpus && File.Exists(corpus))
            campaign.Load(corpus);
        Thread[] jobs = [.. Enumerable.Range(0, numbers["--jobs"]).Select(_ => new Thread(campaign.Work))];
        foreach (Thread job in jobs)
            job.Start();
        TimeSpan next = s_reportEvery;
        while (jobs.Any(job => !job.Join(200)))
        {
            if (campaign.Elapsed < next)
                continue;
            next += s_reportEvery;
            campaign.Report();
        }
        campaign.Report();
        if (texts["--corpus"] is { } to)
            campaign._corpus.Save(to);
        if (texts["--minimise"] is { } small)
            Corpus.Write(small, campaign._corpus.Minimise());
        campaign.ReportCode(numbers["--unreached"] > 0);
        return campaign._failed == 0 ? 0 : 1;
    }

    private void Load(string path)
    {
        var job = new Job(Path.Combine(_failures, $"crash-{Environment.CurrentManagedThreadId}.txt"));
        using FuzzWorlds worlds = job.Worlds;
        foreach (FuzzCase what in FuzzCase.ParseAll(File.ReadLines(path)))
            Try(job, what, "a case of the corpus");
    }

    private int Replay(string path)
    {
        var job = new Job(Path.Combine(_failures, $"crash-{Environment.CurrentManagedThreadId}.txt"));
        using FuzzWorlds worlds = job.Worlds;
        foreach (FuzzCase what in FuzzCase.ParseAll(File.ReadLines(path)))
        {
            string? failure = job.Run(what);
            Console.WriteLine(failure ?? "nothing is wrong");
            _failed += failure is null ? 0 : 1;
        }
        return _failed == 0 ? 0 : 1;
    }

    private void Work()
    {
        var job = new Job(Path.Combine(_failures, $"crash-{Environment.CurrentManagedThreadId}.txt"));
        using FuzzWorlds worlds = job.Worlds;
        while (Elapsed < _bound)
        {
            int seed = Interlocked.Increment(ref _nextSeed) - 1;
            var random = new Random(seed);
            var generator = new FuzzGenerator(random);
            FuzzCase what;
            lock (_lock)
            {
                what = _corpus.Count == 0 || random.Next(FreshOneIn) == 0
                    ? generator.Case()
                    : new FuzzMutator(random, generator).Mutate(_corpus.Pick(random), _corpus.Pick(random));
            }
            Try(job, what, $"seed {seed}");
            if (seed % CollectEvery == 0)
                CheckUnobserved(what, seed);
        }
    }

    private void Try(Job job, FuzzCase what, string name)
    {
        string? failure = job.Run(what);
        Interlocked.Increment(ref _cases);
        if (failure is not null)
        {
            Tell(what, name, failure);
            return;
        }
        List<long> did = Novelty.Describe(job.Hits, job.Answers);
        lock (_lock)
        {
            if (_novelty.Add(did))
                _corpus.Add(what, did);
        }
    }

    private void CheckUnobserved(FuzzCase what, int seed)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (Interlocked.Exchange(ref _unobserved, null) is { } exception)
            Tell(what, $"before seed {seed}", $"an exception that nobody took: {exception}");
    }

    private void Tell(FuzzCase what, string name, string failure)
    {
        int number = Interlocked.Increment(ref _failed);
        string comment = $"# {name}: {failure.ReplaceLineEndings(" ")}\n";
        Directory.CreateDirectory(_failures);
        // Before it is made smaller: that may take the process with it.
        File.WriteAllText(Path.Combine(_failures, $"failure-{number}-whole.txt"), $"{comment}{what}");
        lock (_lock)
            Console.WriteLine($"{name}, after {_cases} cases: {failure}");
        (FuzzCase small, string how) = FuzzShrinker.Shrink(what, failure, s_shrinkTime);
        string path = Path.Combine(_failures, $"failure-{number}.txt");
        File.WriteAllText(path, $"{comment}{small}");
        lock (_lock)
            Console.WriteLine($"{name}, made smaller ({path}): {how}\n{small}");
    }

    private void Report()
    {
        lock (_lock)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Elapsed.TotalSeconds,6:0} s  {_cases} cases, {_cases / Elapsed.TotalSeconds:0} a second, next seed {_nextSeed}, "
                + $"{_novelty.Blocks} blocks of {_methods.Count}, {_novelty.Answers} kinds of answers, corpus {_corpus.Count}, "
                + $"{_failed} failed"));
        }
    }

    // By folder, which is the namespace; and what never ran.
    private void ReportCode(bool tellsUnreached)
    {
        foreach (IGrouping<string, int> folder in Enumerable.Range(0, _methods.Count).GroupBy(FolderOf).OrderBy(g => g.Key))
            Console.WriteLine($"{folder.Key}: {folder.Count(_novelty.HasSeen)} blocks of {folder.Count()}");
        if (!tellsUnreached)
            return;
        foreach (IGrouping<string, int> method in Enumerable.Range(0, _methods.Count).GroupBy(block => _methods[block]))
        {
            if (method.Count(block => !_novelty.HasSeen(block)) is > 0 and var missing)
                Console.WriteLine($"{missing} of {method.Count()} blocks not reached: {method.Key}");
        }
    }

    private string FolderOf(int block)
    {
        string method = _methods[block];
        string type = method[..method.IndexOf("::", StringComparison.Ordinal)];
        type = type[(type.LastIndexOf(' ') + 1)..];
        int end = type.IndexOf('/', StringComparison.Ordinal);
        string[] parts = (end < 0 ? type : type[..end]).Split('.');
        return string.Join('.', parts.SkipLast(1));
    }

    // What one thread needs.
    private sealed class Job
    {
        private readonly HashSet<uint> _answers = [];

        public Job(string crashPath) =>
            Worlds = new FuzzWorlds(crashPath) { Made = world => world.OnEachLoop(() => Coverage.Attach(Hits)) };

        public byte[] Hits { get; } = new byte[Coverage.MaxBlocks];

        public IReadOnlyCollection<uint> Answers => _answers;

        public FuzzWorlds Worlds { get; }

        public string? Run(FuzzCase what)
        {
            Array.Clear(Hits);
            _answers.Clear();
            return Worlds.Run(what, _answers);
        }
    }
}
