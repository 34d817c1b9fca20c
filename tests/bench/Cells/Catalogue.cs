using DmIo.SideBySide.Client;

namespace DmIo.SideBySide.Cells;

/// <summary>All cells, in the order in which they are measured: those that share legs stand together.</summary>
internal static class Catalogue
{
    /// <summary>The name by which --only asks for memory and start-up time.</summary>
    public const string Idle = "idle";

    private const int K = 1024;
    private const int M = 1024 * K;
    private const double OneLegAim = 1.0; // at depth 8 and more, against the best peer
    private const double MirrorAim = 2.0; // mirrored writes at depth 32, against quorum
    private const double LogAim = 0.9; // a log on a device at depth 32 where regions stay dirty, against one in memory
    private const long BusyBytes = 16 * M; // 32 regions of the usual size

    public static IReadOnlyList<Cell> All { get; } =
    [
        .. DepthOne(Operation.Read, "r4q1", "read 4k, depth 1"),
        .. DepthOne(Operation.Write, "w4q1", "write 4k, depth 1"),
        new("r4q32", "read 4k, depth 32", new(Operation.Read, 4 * K, 32)) { Aim = OneLegAim },
        new("w4q32", "write 4k, depth 32", new(Operation.Write, 4 * K, 32)) { Aim = OneLegAim },
        new("r4q8c4", "read 4k, 4 connections x depth 8", new(Operation.Read, 4 * K, 8, 4)) { Aim = OneLegAim },
        new("r64q8", "read 64k, depth 8", new(Operation.Read, 64 * K, 8)) { Aim = OneLegAim },
        new("w64q8", "write 64k, depth 8", new(Operation.Write, 64 * K, 8)) { Aim = OneLegAim },
        new("r1mq8", "read 1M in order, depth 8", new(Operation.Read, M, 8, Sequential: true)) { Aim = OneLegAim },
        new("w1mq8", "write 1M in order, depth 8", new(Operation.Write, M, 8, Sequential: true)) { Aim = OneLegAim },
        Copy("nbdcopy-c1", 1),
        Copy("nbdcopy-c4", 4),
        Tls("tls-r1mq8", "1M", M, 8),
        Tls("tls-r4q32", "4k", 4 * K, 32),
        Fio("fio-r4q1", "randread", 4 * K, 1),
        Fio("fio-w4q1", "randwrite", 4 * K, 1),
        Fio("fio-r4q32", "randread", 4 * K, 32),
        Fio("fio-w4q32", "randwrite", 4 * K, 32),
        Fio("fio-r4q8j4", "randread", 4 * K, 8, jobs: 4),
        Fio("fio-rw64q8", "randrw", 64 * K, 8),
        Fio("fio-rs1mq8", "read", M, 8),
        Fio("fio-ws1mq8", "write", M, 8),
        .. DepthOne(Operation.Write, "mirror-w4q1", "mirror, write 4k, depth 1").Select(c => c with { Mirror = true }),
        Mirror("mirror-w4q32", "write 4k, depth 32", new(Operation.Write, 4 * K, 32), MirrorAim),
        Mirror("mirror-r4q32", "read 4k, depth 32", new(Operation.Read, 4 * K, 32)),
        Mirror("mirror-w64q8", "write 64k, depth 8", new(Operation.Write, 64 * K, 8)),
        Mirror("mirror-w1mq8", "write 1M in order, depth 8", new(Operation.Write, M, 8, Sequential: true)),
        Disk("fua4q1", "write 4k FUA, depth 1", new(Operation.DurableWrite, 4 * K, 1)),
        Disk("fua4q32", "write 4k FUA, depth 32", new(Operation.DurableWrite, 4 * K, 32), OneLegAim),
        Disk("fua4q8c4", "write 4k FUA, 4 connections x depth 8", new(Operation.DurableWrite, 4 * K, 8, 4), OneLegAim),
        Disk("direct-r4q32", "O_DIRECT, read 4k, depth 32", new(Operation.Read, 4 * K, 32), OneLegAim) with { Direct = true },
        Disk("direct-w4q32", "O_DIRECT, write 4k, depth 32", new(Operation.Write, 4 * K, 32), OneLegAim) with { Direct = true },
        Disk("mirror-fua4q32", "mirror, write 4k FUA, depth 32", new(Operation.DurableWrite, 4 * K, 32), MirrorAim) with { Mirror = true },
        .. Logs(Medium.Memory, "log", "mirror's disk log against core log"),
        .. Logs(Medium.Disk, "log-disk", "the same on a disk"),
    ];

    // Busy: a few regions, which stay dirty. Spread: every write is the first to its region for a second.
    private static IEnumerable<Cell> Logs(Medium medium, string name, string what)
    {
        foreach (int depth in (int[])[1, 32])
        {
            Workload workload = new(Operation.Write, 4 * K, depth);
            Cell cell = new("", "", workload) { Medium = medium, Mirror = true, ComparesLogs = true };
            yield return cell with
            {
                Name = $"{name}-busy-w4q{depth}",
                What = $"{what}, few regions, write 4k, depth {depth}",
                Workload = workload with { SpanBytes = BusyBytes },
                Aim = depth > 1 ? LogAim : null,
            };
            yield return cell with
            {
                Name = $"{name}-spread-w4q{depth}",
                What = $"{what}, clean regions, write 4k, depth {depth}",
                Workload = workload with { Scattered = true },
                Region = "4K",
            };
        }
    }

    private static IEnumerable<Cell> DepthOne(Operation operation, string name, string what) =>
    [
        new(name + "-same", what + ", same core", new(operation, 4 * K, 1)) { Placement = Placement.SameCore },
        new(name + "-other", what + ", other core", new(operation, 4 * K, 1)) { Placement = Placement.OtherCore },
    ];

    private static Cell Mirror(string name, string what, Workload workload, double? aim = null) =>
        new(name, "mirror, " + what, workload) { Mirror = true, Aim = aim };

    private static Cell Disk(string name, string what, Workload workload, double? aim = null) =>
        new(name, what, workload) { Medium = Medium.Disk, Aim = aim };

    private static Cell Copy(string name, int connections) =>
        new(name, $"nbdcopy to null:, {connections} connection{(connections > 1 ? "s" : "")}", new(Operation.Read, M, 1, connections))
        {
            Load = Load.NbdCopy,
            Arguments = [$"--connections={connections}"],
        };

    private static Cell Tls(string name, string size, int blockBytes, int depth) =>
        new(name, $"nbdcopy to null: in TLS, read {size} in order, depth {depth}", new(Operation.Read, blockBytes, depth, Sequential: true))
        {
            Load = Load.NbdCopy,
            Tls = true,
            Aim = OneLegAim,
            Arguments = ["--connections=1", $"--request-size={blockBytes}", $"--requests={depth}"],
        };

    private static Cell Fio(string name, string pattern, int blockBytes, int depth, int jobs = 1) =>
        new(name, $"fio {pattern} {Size(blockBytes)}, depth {depth}{(jobs > 1 ? $" x {jobs} jobs" : "")}", new(Operation.Read, blockBytes, depth, jobs))
        {
            Load = Load.Fio,
            Arguments =
            [
                $"--rw={pattern}", $"--bs={blockBytes}", $"--iodepth={depth}", $"--numjobs={jobs}", "--group_reporting",
            ],
        };

    private static string Size(int bytes) => bytes >= M ? $"{bytes / M}M" : $"{bytes / K}k";
}
