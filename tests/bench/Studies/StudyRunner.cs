using System.Diagnostics;
using System.Globalization;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Measure;
using DmIo.SideBySide.Servers;

namespace DmIo.SideBySide.Studies;

/// <summary>Measures the studies: in each round both sides once, in an order drawn anew.</summary>
internal sealed class StudyRunner(Options options, Workspace workspace, string daemon)
{
    private const long CopyBytes = 2L << 30; // Half a second and more, so that beginning and end do not count.
    private const long SmallBytes = 1L << 30;
    private const long LargeBytes = 1L << 40;
    private const string Begun = "recovery begins";
    private const string Ended = "is in sync";
    private const int SettleMs = 500; // Until a runtime has done what it does after its start.

    private readonly Random _random = new(options.Seed);
    private int _launches;

    public IEnumerable<string> Run(Study study)
    {
        List<Pairs> pairs = study.Name switch
        {
            "recovery-read" => Reads(study),
            "structured" => Structured(study),
            "large" => Large(study),
            _ => Copies(study),
        };
        Console.Error.WriteLine();
        workspace.DropLegs();
        return pairs.Select(p => p.Row(study.Name));
    }

    // One leg takes the other's place again and again, each time lacking all of it, so that a second of work is not half a
    // start of the runtime. dd writes to whichever of the two is out.
    private List<Pairs> Copies(Study study)
    {
        Pairs rate = new("recovery, MiB/s", "dd", ">= 0.8");
        string from = workspace.Leg("copied", study.Medium, CopyBytes);
        string copy = workspace.Leg("copy-a", study.Medium, CopyBytes);
        string spare = workspace.Leg("copy-b", study.Medium, CopyBytes);
        string control = Path.Combine(workspace.Scratch("control"), "control.sock");
        using Server server = Start(study, [from, copy], "--sync-from", "0", "--control", control);
        _ = server.WaitFor(Ended);
        string volume = Tool.Run(daemon, ["ls", "--control", control]).Trim();
        Rounds(
            () =>
            {
                double since = (double)Stopwatch.GetTimestamp() / Stopwatch.Frequency;
                _ = Tool.Run(daemon, ["leg", "replace", volume, copy, spare, "--control", control]);
                (copy, spare) = (spare, copy);
                return CopyBytes / (server.WaitFor(Ended, since) - server.WaitFor(Begun, since)) / (1 << 20);
            },
            () =>
            {
                DateTime start = DateTime.UtcNow;
                _ = Tool.Run("dd", [$"if={from}", $"of={spare}", "bs=1M", "conv=fsync,notrunc", "status=none"]);
                return CopyBytes / (DateTime.UtcNow - start).TotalSeconds / (1 << 20);
            },
            rate.Add);
        return [rate];
    }

    private List<Pairs> Reads(Study study)
    {
        Pairs median = new("read 4k, depth 1, median, µs", "in sync");
        Pairs late = new("the same, 99th percentile, µs", "in sync");
        string[] legs = [workspace.Leg("read-a", study.Medium, options.LegBytes), workspace.Leg("read-b", study.Medium, options.LegBytes)];
        (double, double) Measure(params string[] arguments)
        {
            using Server server = Start(study, legs, arguments);
            using LatencyClient client = new(server.Socket, (ulong)_random.NextInt64());
            return client.Run(options.TurnMs);
        }

        Rounds(
            () => Measure("--sync-from", "0"),
            () => Measure("--assume-clean"),
            (ours, other) =>
            {
                median.Add(ours.Item1, other.Item1);
                late.Add(ours.Item2, other.Item2);
            });
        return [median, late];
    }

    // One server, and two clients of it that differ in what they negotiate.
    private List<Pairs> Structured(Study study)
    {
        const int K = 1024;
        List<Pairs> pairs = [];
        foreach ((string words, Workload workload, bool sparse, string aim) in ((string, Workload, bool, string)[])
            [
                ("read 4k, depth 32, k/s", new(Operation.Read, 4 * K, 32), false, ">= 0.95"),
                ("write 4k, depth 32, k/s", new(Operation.Write, 4 * K, 32), false, ">= 0.95"),
                ("read 64k, depth 8, k/s", new(Operation.Read, 64 * K, 8), false, ">= 0.95"),
                ("read 1M in order, depth 8, k/s", new(Operation.Read, K * K, 8, Sequential: true), false, ">= 0.95"),
                ("read 4k of holes, depth 32, k/s", new(Operation.Read, 4 * K, 32), true, ""),
                ("read 1M of holes in order, depth 8, k/s", new(Operation.Read, K * K, 8, Sequential: true), true, ""),
            ])
        {
            Pairs rate = new(words, "simple", aim);
            string leg = sparse
                ? workspace.Sparse("structured-sparse", study.Medium, options.LegBytes)
                : workspace.Leg("structured", study.Medium, options.LegBytes);
            string directory = workspace.Scratch($"study{++_launches}");
            using Server server = Server.Start(
                Ours.Linear(daemon, options.Backend),
                new Launch(Path.Combine(directory, "nbd"), [leg], workspace.Log("log", study.Medium), directory, Direct: false));
            double Measure(bool structured)
            {
                Workload asked = workload with { Structured = structured };
                using BatchingClient client = new(server.Socket, "", asked, (ulong)_random.NextInt64());
                return client.Run(options.TurnMs).PerSecond / 1000;
            }

            Rounds(() => Measure(true), () => Measure(false), rate.Add);
            pairs.Add(rate);
        }

        return pairs;
    }

    private List<Pairs> Large(Study study)
    {
        List<Pairs> pairs = [];
        string[] Legs(long bytes) =>
            [workspace.Sparse($"sparse-a-{bytes}", study.Medium, bytes), workspace.Sparse($"sparse-b-{bytes}", study.Medium, bytes)];
        foreach ((string words, string[] arguments) in ((string, string[])[])
            [("in sync", []), ("one leg lacks everything", ["--sync-from", "0", "--no-recovery"])])
        {
            Pairs start = new($"start, 1 TiB, {words}, ms", "1 GiB", "1 TiB < 1000");
            Pairs cpu = new($"CPU time of the start, 1 TiB, {words}, ms", "1 GiB");
            Pairs memory = new($"PSS, 1 TiB, {words}, MiB", "1 GiB", "difference < 16");
            (double StartMs, double CpuMs, double PssMib) Measure(long bytes)
            {
                using Server server = Start(study, Legs(bytes), arguments);
                Thread.Sleep(SettleMs);
                double cpuSeconds = ProcessTree.CpuSeconds([server.Id]);
                return (server.StartUp.TotalMilliseconds, cpuSeconds * 1000, ProcessTree.Memory(server.Id).PssKib / 1024.0);
            }

            Rounds(
                () => Measure(LargeBytes),
                () => Measure(SmallBytes),
                (ours, other) =>
                {
                    start.Add(ours.StartMs, other.StartMs);
                    cpu.Add(ours.CpuMs, other.CpuMs);
                    memory.Add(ours.PssMib, other.PssMib);
                });
            pairs.AddRange([start, cpu, memory]);
        }

        return pairs;
    }

    private void Rounds<T>(Func<T> ours, Func<T> other, Action<T, T> add)
    {
        for (int round = 0; round <= options.Rounds; round++)
        {
            T first;
            T second;
            if (_random.Next(2) == 0)
            {
                first = ours();
                second = other();
            }
            else
            {
                second = other();
                first = ours();
            }

            // The first round only warms caches.
            if (round > 0)
            {
                add(first, second);
            }

            Console.Error.Write(round == 0 ? "w" : (round % 10).ToString(CultureInfo.InvariantCulture));
        }
    }

    private Server Start(Study study, string[] legs, params string[] arguments)
    {
        string name = $"study{++_launches}";
        string directory = workspace.Scratch(name);
        Launch launch = new(Path.Combine(directory, "nbd"), legs, workspace.Log("log", study.Medium), directory, Direct: false);
        ServerForm form = Ours.Mirror(daemon, options.Backend);
        return Server.Start(
            form with { Arguments = l => [.. form.Arguments(l).Where(a => a != "--assume-clean"), "--log", l.Log, .. arguments] },
            launch);
    }
}
