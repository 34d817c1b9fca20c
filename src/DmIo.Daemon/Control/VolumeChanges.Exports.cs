using DmIo.Daemon.Configuration;
using DmIo.Daemon.Hosting;

namespace DmIo.Daemon.Control;

// Exports come and go.
internal sealed partial class VolumeChanges
{
    public async Task<ExportInfo> AddExportAsync(ExportRequest request, CancellationToken cancellation)
    {
        var export = new ExportConfiguration
        {
            Place = request.Name,
            Name = request.Name,
            Device = request.Device ?? MappedName.Prefix + request.Name,
            ReadOnly = request.ReadOnly,
            IsDefault = request.Default,
            IsHidden = request.Hidden,
            RequireTls = request.RequireTls,
            Description = request.Description,
        };
        await _lock.WaitAsync(cancellation);
        try
        {
            await AddExportAsync(export);
        }
        catch
        {
            await volumes.CloseUnusedAsync();
            throw;
        }
        finally
        {
            _lock.Release();
        }
        return (await reader.ExportsAsync()).First(e => e.Name == request.Name);
    }

    // Under the lock.
    private async Task AddExportAsync(ExportConfiguration export)
    {
        ServeConfiguration current = volumes.Current;
        ServeConfiguration after = current with { Exports = [.. current.Exports, export] };
        int loop = await volumes.PrepareAsync(after, export.Name, [export.Device], home: null);
        volumes.AddExport(export, loop);
    }

    public async Task RemoveExportAsync(string name, CancellationToken cancellation)
    {
        await _lock.WaitAsync(cancellation);
        try
        {
            RunningExport export = volumes.ServedExports.FirstOrDefault(e => e.Source.Name == name)
                ?? throw ControlException.NotFound(
                    $"{name}: no export of that name{NearestName.Hint(name, [.. volumes.ServedExports.Select(e => e.Source.Name)])}");
            await volumes.RemoveExportAsync(export);
            await volumes.CloseUnusedAsync();
        }
        finally
        {
            _lock.Release();
        }
    }
}
