using DmIo.Mapper;
using DmIo.Testing;

namespace DmIo.Benchmarks.Mirror;

/// <summary>Counts what a disk log is asked when a group of writes arrives together, each at a region of its own.</summary>
internal static class LogWrites
{
    private const int Groups = 16;

    public static void Print()
    {
        Console.WriteLine("| writes in a group | regions | log writes per group | bytes per group | log flushes per group |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (int depth in (int[])[1, 8, 32])
        {
            Print("clean", depth, settles: true);
            Print("dirty", depth, settles: false);
        }
    }

    private static void Print(string regions, int depth, bool settles)
    {
        // Once idle, regions settle: then every group finds them clean.
        using MirrorBench bench = new("disk", new MirrorOptions());
        TestRequest[] writes =
            [.. Enumerable.Range(0, depth).Select(i => TestRequest.Write(new Sectors(i * MirrorBench.RegionSectors), new TestBuffer(4096)))];
        bench.Run(writes);
        (long count, long bytes, long flushes) = (0, 0, 0);
        for (int group = 0; group < Groups; group++)
        {
            if (settles)
                bench.Advance(TimeSpan.FromMinutes(1));
            CountingDevice log = bench.Log;
            (long writesBefore, long bytesBefore, long flushesBefore) = (log.Writes, log.WrittenBytes, log.Flushes);
            bench.Run(writes);
            count += log.Writes - writesBefore;
            bytes += log.WrittenBytes - bytesBefore;
            flushes += log.Flushes - flushesBefore;
        }
        Console.WriteLine(FormattableString.Invariant(
            $"| {depth} | {regions} | {(double)count / Groups} | {(double)bytes / Groups} | {(double)flushes / Groups} |"));
    }
}
