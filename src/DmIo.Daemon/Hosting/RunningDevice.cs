using DmIo.Daemon.Configuration;
using DmIo.Mapper;

namespace DmIo.Daemon.Hosting;

/// <summary>A mapped device that is served.</summary>
/// <param name="Device">The device itself.</param>
/// <param name="Source">What was configured; its table may have been replaced since.</param>
/// <param name="Loop">Its home.</param>
/// <param name="FirstTable">Its table when it was made.</param>
internal sealed record RunningDevice(MappedDevice Device, DeviceConfiguration Source, int Loop, string FirstTable)
{
    public string Name => Device.Name;

    /// <summary>What it stands on now, or will after the next resume, as its tables name it.</summary>
    public IEnumerable<string> Arguments =>
        Device.InactiveTable is { } next ? Device.Table.Devices.Concat(next.Devices) : Device.Table.Devices;

    /// <summary>The configuration of a device with this table, as far as later changes have to be checked against it.</summary>
    public DeviceConfiguration With(Table table) => new()
    {
        Place = Name,
        TablePlace = Name,
        Name = Name,
        TableText = "",
        Table = table,
        // What has been written so far is so with another table too, also while nothing stands on it.
        IsWritten = Source.IsWritten || !Device.IsReadOnly,
        IsReadOnly = Source.IsReadOnly,
        Direct = Source.Direct,
        DirectPaths = [.. Source.DirectPaths.Intersect(table.Devices)],
        Degraded = Source.Degraded && table.Lines.Any(l => l.Target is MirrorSpec),
    };
}
