using System.Runtime.ExceptionServices;
using DmIo.SideBySide.Cells;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Native;
using DmIo.SideBySide.Servers;

namespace DmIo.SideBySide.Measure;

/// <summary>
/// A server under the batching client. Every turn has new connections: a server's threads and buffers fall well
/// or badly when they are made, and one throw of the dice is not to decide a whole cell.
/// </summary>
internal sealed class ClientSubject : ISubject
{
    private const int WarmUpMs = 50; // Enough to bring the caches back after another server's turn.
    private static readonly Workload FlushOnce = new(Operation.Flush, 0, 1);
    private readonly Server _server;
    private readonly Cell _cell;
    private ulong _seed;

    public ClientSubject(Server server, Cell cell, ulong seed)
    {
        _server = server;
        _cell = cell;
        _seed = seed;
        Pin();
        ReadBack.Check(server.Socket, server.Form.Export);
    }

    public string Name => _server.Form.Name;

    public Turn Take(int durationMs)
    {
        Turn turn = default;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                turn = Measure(durationMs);
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return turn;
    }

    public void Dispose() => _server.Dispose();

    private Turn Measure(int durationMs)
    {
        Cores.PinThread(Cores.Client);
        using BatchingClient client = new(_server.Socket, _server.Form.Export, _cell.Workload, ++_seed);
        Pin(); // The connections' own threads too.
        _ = client.Run(WarmUpMs);
        List<int> members = ProcessTree.Members(_server.Id);
        double cpuBefore = ProcessTree.CpuSeconds(members);
        LoadResult result = client.Run(durationMs);
        double cpu = ProcessTree.CpuSeconds(members) - cpuBefore;
        if (_cell.Medium == Medium.Disk && _cell.Workload.HasPayload)
        {
            // What this server left dirty is not to be written back during the next one's turn.
            using BatchingClient flusher = new(_server.Socket, _server.Form.Export, FlushOnce, _seed);
            _ = flusher.Run(0);
        }

        return new Turn(result.PerSecond, result.Operations, cpu, result.ClientBusy);
    }

    private void Pin()
    {
        if (_cell.Placement != Placement.Free)
        {
            _server.Pin([_cell.Placement == Placement.SameCore ? Cores.Client : Cores.Other]);
        }
    }
}
