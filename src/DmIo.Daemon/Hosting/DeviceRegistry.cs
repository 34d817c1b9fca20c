using DmIo.Daemon.Configuration;
using DmIo.Mapper;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// The devices of one loop: every file or disk is opened once, whatever names it goes by, and shared by the mapped
/// devices that name it. Owns the files and disks; mapped devices are owned by whoever made them.
/// </summary>
internal sealed class DeviceRegistry(IoLoop loop, CheckedConfiguration configuration) : IDeviceSource, IAsyncDisposable
{
    private readonly Dictionary<string, FileDevice> _files = [];
    private readonly Dictionary<string, OrderedDevice> _mapped = [];

    // Not disposed: they have nothing open.
    private readonly Dictionary<string, MissingDevice> _missing = [];

    // Not disposed: each owns its file, and so does this registry.
    private readonly Dictionary<string, PassThroughDevice> _ordered = [];

    public void Add(string name, OrderedDevice device) => _mapped.Add(name, device);

    /// <inheritdoc/>
    public BlockDevice Find(string deviceArgument)
    {
        if (MappedName.Of(deviceArgument) is { } name)
            return _mapped[name];
        LegUse use = configuration.Legs[deviceArgument];
        if (_files.TryGetValue(use.Path, out FileDevice? open))
            return open;
        if (_missing.TryGetValue(use.Path, out MissingDevice? missing))
            return missing;
        FileDevice device;
        try
        {
            device = Open(use);
        }
        catch (DeviceOpenException e) when (use.MayBeMissing && e.Errno is not (Errno.EBUSY or Errno.EINVAL))
        {
            // What is in use is not missing: whoever has it may be writing to it. What cannot be right is a mistake.
            missing = new MissingDevice(loop, use.Path, e.Message);
            _missing.Add(use.Path, missing);
            return missing;
        }
        _files.Add(use.Path, device);
        return device;
    }

    /// <summary>A device as an export needs it; all exports of a file share one order of changes.</summary>
    public OrderedDevice FindOrdered(string deviceArgument)
    {
        BlockDevice device = Find(deviceArgument);
        if (device is OrderedDevice ordered)
            return ordered;
        if (!_ordered.TryGetValue(device.Name, out PassThroughDevice? pass))
            _ordered.Add(device.Name, pass = new PassThroughDevice(device));
        return pass;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (FileDevice device in _files.Values)
            await device.DisposeAsync();
        _files.Clear();
    }

    private FileDevice Open(LegUse use) => FileDevice.Open(loop, new FileDeviceOptions
    {
        Path = use.Path,
        Direct = use.Direct,
        ReadOnly = use.ReadOnly,
        InlineWrites = use.IsOnlyLeg,
    });
}
