using DmIo.Daemon.Configuration;
using DmIo.Daemon.Hosting;
using DmIo.Mapper;

namespace DmIo.Daemon.Control;

// Legs are compared and made alike; devices become longer.
internal sealed partial class VolumeChanges
{
    public async Task<ScrubReportInfo> CheckAsync(string name, bool anew, long? rateBytes, CancellationToken cancellation)
    {
        var options = new ScrubOptions { Anew = anew, RateBytes = rateBytes };
        return ScrubReportInfo.Of(await reader.Find(name).Device.CheckAsync(options, cancellation));
    }

    public async Task<ScrubReportInfo> RepairAsync(
        string name, string? from, bool anew, long? rateBytes, CancellationToken cancellation)
    {
        RunningDevice device = reader.Find(name);
        var options = new RepairOptions
        {
            Anew = anew,
            RateBytes = rateBytes,
            From = from is null ? null : LegOf(device, from),
        };
        return ScrubReportInfo.Of(await device.Device.RepairAsync(options, cancellation));
    }

    public async Task GrowAsync(string name, GrowRequest request, CancellationToken cancellation)
    {
        var length = new Sectors(request.LengthSectors);
        await _lock.WaitAsync(cancellation);
        try
        {
            RunningDevice device = reader.Find(name);
            CheckRoom(device, length);
            await device.Device.GrowAsync(length, cancellation);
        }
        finally
        {
            _lock.Release();
        }
    }

    // What lies behind the device on its files may be somebody else's.
    private void CheckRoom(RunningDevice device, Sectors length)
    {
        Table table = device.Device.Table;
        if (length <= table.Length)
            return;
        TableLine last = table.Lines[^1];
        var longer = new Table([.. table.Lines.SkipLast(1), last with { Length = length - last.Start }]);
        ServeConfiguration after = volumes.CurrentWith(device, longer);
        after = after with { Devices = [.. after.Devices.Select(d => d.Name == device.Name ? d with { Grows = true } : d)] };
        var mistakes = new Mistakes();
        if (ConfigurationCheck.RunChange(volumes.Current, after, mistakes) is null)
            throw ControlException.Mistake(mistakes.ToString());
    }
}
