using DmIo.Daemon.Configuration;
using DmIo.Mapper;

namespace DmIo.Daemon.Hosting;

/// <summary>A mapped device that is served, and what it was made of.</summary>
internal sealed class RunningDevice(MappedDevice device, CheckedDevice source)
{
    public string Name => Device.Name;

    public MappedDevice Device => device;

    /// <summary>What was configured, its table aside, which may have been replaced since.</summary>
    public DeviceConfiguration Source => source.Source;

    /// <summary>Its home.</summary>
    public int Loop => source.Loop;

    /// <summary>The live table.</summary>
    public Table Table { get; set; } = source.Table;

    /// <summary>The table that the next resume takes.</summary>
    public Table? Inactive { get; set; }
}
