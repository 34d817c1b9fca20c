using System.Globalization;

namespace DmIo.Benchmarks.Mirror;

/// <summary>
/// How long reads and writes take while one leg hangs and is past its deadline, beside the same mirror in health; and how
/// long those took that were under way when it began to hang.
/// </summary>
internal static class HangingLeg
{
    // Short, so that rounds are; far above what a busy machine does to an operation.
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(1);

    // Median, p99, all.
    private static readonly double[] s_parts = [0.5, 0.99, 1];

    public static void Print(string[] args)
    {
        int[] numbers = [.. args.Select(a => int.Parse(a, CultureInfo.InvariantCulture))];
        int rounds = numbers.Length > 0 ? numbers[0] : 8;
        var turn = TimeSpan.FromMilliseconds(numbers.Length > 1 ? numbers[1] : 500);
        int seed = numbers.Length > 2 ? numbers[2] : Random.Shared.Next();
        Print($"{rounds} rounds, turns of {turn.TotalMilliseconds} ms, deadline {s_deadline.TotalSeconds} s, seed {seed}\n");
        Print($"| legs | log | depth | operation | median, µs, hanging : healthy | ratio, median [min, max] | p99, µs | ratio | most, µs | ratio |");
        Print($"|---|---|---|---|---|---|---|---|---|---|");
        var caught = new List<string>();
        foreach (int legs in (int[])[2, 3])
        {
            foreach (string log in (string[])["core", "disk"])
            {
                foreach (int depth in (int[])[1, 32])
                    caught.Add(Measure(legs, log, depth, rounds, turn, seed));
            }
        }
        Print($"\n| legs | log | depth | caught per hang | least, ms | median, ms | most, ms | caught later | most that hung |");
        Print($"|---|---|---|---|---|---|---|---|---|");
        caught.ForEach(Console.WriteLine);
    }

    private static string Measure(int legs, string log, int depth, int rounds, TimeSpan turn, int seed)
    {
        using HangingMirror mirror = new(legs, log, depth, s_deadline, seed);
        var order = new Random(seed);
        var hanging = new List<double[]>();
        var healthy = new List<double[]>();
        var counts = new List<double>();
        var caughtMs = new List<double>();
        int later = 0;
        // The first round only warms up.
        for (int round = 0; round <= rounds; round++)
        {
            bool isFirst = order.Next(2) == 0;
            double[] sound = isFirst ? Run(() => mirror.RunHealthy(turn)) : [];
            double[] hung = Run(() => mirror.RunHanging(turn));
            if (round > 0)
            {
                counts.Add(mirror.Load.Caught.Count);
                caughtMs.AddRange(mirror.Load.Caught.Milliseconds());
                later += mirror.Load.CaughtLater;
            }
            if (!isFirst)
                sound = Run(() => mirror.RunHealthy(turn));
            if (round == 0)
                continue;
            hanging.Add(hung);
            healthy.Add(sound);
        }
        string head = $"| {legs} | {log} | {depth} |";
        Row($"{head} read |", 0);
        Row($"{head} write |", s_parts.Length);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{head} {Median(counts)} | {caughtMs.Min():F1} | {Median(caughtMs):F1} | {caughtMs.Max():F1} | {later} | {mirror.MostHung} |");

        void Row(string row, int first)
        {
            for (int i = first; i < first + s_parts.Length; i++)
            {
                double[] ratios = [.. hanging.Zip(healthy, (h, s) => h[i] / s[i])];
                row += string.Create(
                    CultureInfo.InvariantCulture,
                    $" {Median(hanging.Select(v => v[i])):G4} : {Median(healthy.Select(v => v[i])):G4} | {Median(ratios):F2} [{ratios.Min():F2}, {ratios.Max():F2}] |");
            }
            Console.WriteLine(row);
        }

        double[] Run(Action act)
        {
            act();
            MirrorLoad load = mirror.Load;
            return
            [
                .. s_parts.Select(load.Reads.Microseconds),
                .. s_parts.Select(load.Writes.Microseconds),
            ];
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static void Print(FormattableString line) =>
        Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
