using DmIo.SideBySide.Cells;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Servers;

namespace DmIo.SideBySide.Measure;

/// <summary>Start-up time and idle memory of each server, after its start and with one connection.</summary>
internal sealed class IdleRunner(Workspace workspace, int starts)
{
    private const int SettleMs = 500; // Until a runtime has done what it does after its start.
    private static readonly Workload Nothing = new(Operation.Read, 4096, 1);

    public IdleResult Run(ServerForm form)
    {
        List<double> startUps = [];
        List<(long Pss, long Rss)> alone = [];
        List<(long Pss, long Rss)> connected = [];
        for (int i = 0; i < starts; i++)
        {
            using Server server = Server.Start(form, workspace.Prepare(form, Medium.Memory, direct: false));
            startUps.Add(server.StartUp.TotalMilliseconds);
            Thread.Sleep(SettleMs);
            alone.Add(ProcessTree.Memory(server.Id));
            using BatchingClient client = new(server.Socket, form.Export, Nothing, 1);
            _ = client.Run(0);
            Thread.Sleep(SettleMs);
            connected.Add(ProcessTree.Memory(server.Id));
        }

        return new IdleResult(
            form.Name + (form.Mirrors ? " (mirror)" : ""),
            Statistics.Median(startUps),
            startUps.Max(),
            Mib(alone.Select(m => m.Pss)),
            Mib(alone.Select(m => m.Rss)),
            Mib(connected.Select(m => m.Pss)),
            Mib(connected.Select(m => m.Rss)));
    }

    private static double Mib(IEnumerable<long> kib) => Statistics.Median(kib.Select(k => k / 1024.0));
}
