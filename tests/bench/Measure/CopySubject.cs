using System.Diagnostics;
using DmIo.SideBySide.Cells;
using DmIo.SideBySide.Servers;

namespace DmIo.SideBySide.Measure;

/// <summary>A server that nbdcopy reads from end to end; one whole copy is one turn, one MiB one operation.</summary>
internal sealed class CopySubject(Server server, Cell cell, long sizeBytes) : ISubject
{
    public string Name => server.Form.Name;

    public Turn Take(int durationMs)
    {
        double cpuBefore = ProcessTree.CpuSeconds(ProcessTree.Members(server.Id));
        long start = Stopwatch.GetTimestamp();
        _ = Tool.Run("nbdcopy", [.. cell.Arguments, server.Uri, "null:"]);
        double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double cpu = ProcessTree.CpuSeconds(ProcessTree.Members(server.Id)) - cpuBefore;
        double operations = (double)sizeBytes / cell.Workload.BlockBytes;
        return new Turn(operations / elapsed, operations, cpu, 0);
    }

    public void Dispose() => server.Dispose();
}
