using System.Globalization;
using DmIo.SideBySide.Cells;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Measure;
using DmIo.SideBySide.Native;
using DmIo.SideBySide.Output;
using DmIo.SideBySide.Servers;
using DmIo.SideBySide.Studies;

namespace DmIo.SideBySide;

/// <summary>One run of the benchmark, from the check of its programs to the table.</summary>
internal sealed class Session(Options options, Workspace workspace)
{
    private const int IdleStarts = 5;

    // Where our own program is all that is measured, nobody else's has to be there.
    private readonly bool _needsPeers = (options.Idle && options.Against is null)
        || options.Chosen.Any(c => c.Load is not Load.Client || (options.Against is null && !c.ComparesLogs));


    public int Run()
    {
        RequirePrograms();
        string daemon = options.Daemon ?? (options.StandIn is null ? DaemonBuild.Publish(workspace.Scratch("daemon")) : "");
        List<IdleResult> idle = options.Idle ? MeasureIdle(daemon) : [];
        List<CellResult> results = MeasureCells(daemon);
        List<string> studies = MeasureStudies(daemon);
        Print(daemon, idle, results, studies);
        return results.Exists(r => r.Failure is not null) ? 1 : 0;
    }

    private void RequirePrograms()
    {
        if (!_needsPeers)
        {
            return;
        }

        IEnumerable<(string Program, string? Package)> wanted =
            [.. Peers.All.Select(p => (p.Program, p.Package)), ("nbdcopy", "libnbd-bin"), ("fio", "fio")];
        string[] missing =
            [.. wanted.Where(w => Tool.Find(w.Program) is null).Select(w => $"{w.Program} (Debian package {w.Package})").Distinct()];
        if (missing.Length > 0)
        {
            throw new NbdException($"missing: {string.Join(", ", missing)}; tests/bench/packages lists all that is needed");
        }
    }

    private static ServerForm Located(ServerForm form) => form with { Program = Tool.Find(form.Program) ?? form.Program };

    private ServerForm OursFor(bool mirror, bool direct, string daemon)
    {
        if (options.StandIn is { } name)
        {
            ServerForm peer = Located(Peers.All.First(p => p.Name == name));
            return peer.Mirrors == mirror && (peer.Direct || !direct)
                ? peer with { Name = "stand-in " + name }
                : throw new NbdException($"{name} cannot stand in for every cell chosen");
        }

        return mirror ? Ours.Mirror(daemon, options.Backend) : Ours.Linear(daemon, options.Backend);
    }

    /// <summary>Ours first, then the peers that can serve the cell.</summary>
    private List<ServerForm> FormsFor(Cell cell, string daemon) => cell.ComparesLogs
        ?
        [
            Ours.Logged(daemon, options.Backend, cell.Region, onDevice: true),
            Ours.Logged(daemon, options.Backend, cell.Region, onDevice: false),
        ]
        :
    [
        cell.Tls ? TlsForms.Ours(daemon, options.Backend) : OursFor(cell.Mirror, cell.Direct, daemon),
        .. cell.Tls ? [TlsForms.Nbdkit(Tool.Find("nbdkit") ?? "nbdkit")] : options.Against is { } build
            ? [OtherBuild(cell.Mirror, build)]
            : Peers.All.Where(p => p.Mirrors == cell.Mirror && (cell.Direct ? p.Direct : p.Buffered)).Select(Located),
    ];

    private ServerForm OtherBuild(bool mirror, string program) =>
        (mirror ? Ours.Mirror(program, options.Backend) : Ours.Linear(program, options.Backend)) with { Name = Ours.OtherBuild };

    private List<IdleResult> MeasureIdle(string daemon)
    {
        Console.Error.WriteLine("idle");
        IdleRunner runner = new(workspace, IdleStarts);
        List<ServerForm> forms = options.Against is { } build
            ? [OtherBuild(mirror: false, build), OtherBuild(mirror: true, build)]
            : [.. Peers.All.Where(p => p.Buffered).Select(Located)];
        if (options.StandIn is null)
        {
            forms.InsertRange(0, [OursFor(mirror: false, direct: false, daemon), OursFor(mirror: true, direct: false, daemon)]);
        }

        List<IdleResult> results = [.. forms.Select(runner.Run)];
        workspace.DropLegs();
        return results;
    }

    private List<CellResult> MeasureCells(string daemon)
    {
        CellRunner runner = new(options, workspace);
        List<CellResult> results = [];
        Cell? before = null;
        foreach (Cell cell in options.Chosen)
        {
            if (cell.Placement == Placement.OtherCore && Cores.Allowed.Count < 2)
            {
                results.Add(new CellResult(cell, [], "needs two cores"));
                continue;
            }

            if (before is not null && (before.Mirror, before.Medium) != (cell.Mirror, cell.Medium))
            {
                workspace.DropLegs();
            }

            before = cell;
            Console.Error.Write($"[{results.Count + 1}/{options.Chosen.Count}] {cell.Name} ");
            CellResult result = runner.Run(cell, FormsFor(cell, daemon));
            Console.Error.WriteLine(result.Failure is null
                ? $"    {Report.Speed(result, result.Ours!)}, {result.Best!.Name} {Report.Speed(result, result.Best)}, ratio {Report.Ratio(result)}"
                : $"    failed: {result.Failure}");
            results.Add(result);
        }

        return results;
    }

    private List<string> MeasureStudies(string daemon)
    {
        workspace.DropLegs();
        List<string> rows = [];
        foreach (Study study in options.StandIn is null ? options.Studies : [])
        {
            Console.Error.Write($"{study.Name} ");
            rows.AddRange(new StudyRunner(options, workspace, daemon).Run(study));
        }

        return rows;
    }

    private void Print(string daemon, List<IdleResult> idle, List<CellResult> results, List<string> studies)
    {
        string ours = options.StandIn is { } name ? $"stand-in {name}" : $"{Ours.Name} {Versions.OfAssembly(daemon)}";
        string peers = options.Against is { } build
            ? $"{Ours.OtherBuild} {Versions.OfAssembly(build)}"
            : !_needsPeers ? "none"
            : string.Join(", ", Peers.All.Select(p => p.Program).Append("nbdcopy").Append("fio").Distinct()
                .Select(p => $"{p} {Versions.Of(Tool.Find(p)!)}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            - date: {DateTime.UtcNow:yyyy-MM-dd}
            - machine: {Machine.Describe(Cores.Allowed.Count)}
            - rounds: {options.Rounds} of {options.TurnMs} ms, seed {options.Seed}, legs of {options.LegBytes >> 20} MiB, disk under {options.DiskDirectory}
            - ours: {ours}, I/O backend {options.Backend ?? "as it chooses"}
            - peers: {peers}

            """));
        if (results.Count > 0)
        {
            Console.WriteLine(Report.Cells(results));
        }

        if (studies.Count > 0)
        {
            Console.WriteLine(Report.Studies(studies));
        }

        if (idle.Count > 0)
        {
            Console.WriteLine(Report.Idle(idle));
        }
    }
}
