using System.Text.Json;
using DmIo.SideBySide.Cells;
using DmIo.SideBySide.Client;
using DmIo.SideBySide.Servers;

namespace DmIo.SideBySide.Measure;

/// <summary>A server under fio's nbd engine.</summary>
internal sealed class FioSubject(Server server, Cell cell, long sizeBytes) : ISubject
{
    public string Name => server.Form.Name;

    public Turn Take(int durationMs)
    {
        double cpuBefore = ProcessTree.CpuSeconds(ProcessTree.Members(server.Id));
        string output = Tool.Run(
            "fio",
            [
                "--name=x", "--ioengine=nbd", $"--uri={server.Uri}", $"--size={sizeBytes}", "--time_based",
                $"--runtime={durationMs}ms", "--output-format=json", "--randrepeat=0", .. cell.Arguments,
            ]);
        double cpu = ProcessTree.CpuSeconds(ProcessTree.Members(server.Id)) - cpuBefore;

        // Notes may stand before the document.
        using JsonDocument document = JsonDocument.Parse(output[output.IndexOf('{')..]);
        JsonElement job = document.RootElement.GetProperty("jobs")[0];
        if (job.GetProperty("error").GetInt32() != 0)
        {
            throw new NbdException($"fio met error {job.GetProperty("error")}");
        }

        double perSecond = 0;
        double operations = 0;
        foreach (JsonElement side in (JsonElement[])[job.GetProperty("read"), job.GetProperty("write")])
        {
            perSecond += side.GetProperty("iops").GetDouble();
            operations += side.GetProperty("total_ios").GetDouble();
        }

        return new Turn(perSecond, operations, cpu, 0);
    }

    public void Dispose() => server.Dispose();
}
