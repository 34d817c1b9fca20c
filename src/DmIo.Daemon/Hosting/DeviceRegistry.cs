using DmIo.Daemon.Configuration;
using DmIo.Mapper;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// The devices of one loop: every file or disk is opened once, whatever names it goes by, and shared by the mapped
/// devices that name it. Owns the files and disks; mapped devices are owned by whoever made them. From any thread.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="mayWait">Whether the loop may wait for the only leg of an export; not where somebody watches it.</param>
internal sealed partial class DeviceRegistry(IoLoop loop, bool mayWait) : IDeviceSource, IAsyncDisposable
{
    private readonly Lock _lock = new();

    // By the words that tables and exports have for them.
    private readonly Dictionary<string, LegUse> _uses = [];
    private readonly Dictionary<string, BlockDevice> _found = [];
    private readonly Dictionary<string, OrderedDevice> _mapped = [];

    // By what tells a file from others, whatever its names.
    private readonly Dictionary<string, (FileDevice Device, LegUse Use)> _files = [];

    // Still in use by live tables, while it is tried to take what is plugged in now under their names instead.
    private readonly Dictionary<string, BlockDevice> _superseded = [];

    // Not disposed: each owns its file, and so does this registry.
    private readonly Dictionary<BlockDevice, PassThroughDevice> _ordered = [];

    /// <summary>Whether nothing lives on the loop.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
                return _mapped.Count == 0 && _files.Count == 0;
        }
    }

    public void Add(string name, OrderedDevice device)
    {
        lock (_lock)
            _mapped.Add(name, device);
    }

    public void Remove(string name)
    {
        lock (_lock)
            _mapped.Remove(name);
    }

    /// <summary>Says how a file or disk is to be opened when it is asked for; one that is missing is looked for again.</summary>
    public void Declare(string argument, LegUse use)
    {
        lock (_lock)
        {
            _uses[argument] = use;
            if (_found.GetValueOrDefault(argument) is MissingDevice)
                _found.Remove(argument);
        }
    }

    /// <summary>
    /// Whether a word names something else than what was found under it: what was missing is there, or a disk was unplugged
    /// and there is one again.
    /// </summary>
    public bool IsOutdated(string argument)
    {
        lock (_lock)
        {
            if (!_uses.TryGetValue(argument, out LegUse? use) || !_found.TryGetValue(argument, out BlockDevice? found))
                return false;
            LegFile now = LegFile.Probe(use.Path);
            return now.Problem is null && !(_files.TryGetValue(now.Identity, out var open) && open.Device == found);
        }
    }

    /// <summary>Lets a word be looked up again, and keeps what was found under it until <see cref="EndSupersession"/>.</summary>
    public void Supersede(string argument)
    {
        lock (_lock)
        {
            if (_found.Remove(argument, out BlockDevice? found))
                _superseded[argument] = found;
        }
    }

    /// <summary>Ends what <see cref="Supersede"/> began: if a device still uses what was found before, all is as before.</summary>
    public void EndSupersession(string argument, MappedDevice user)
    {
        lock (_lock)
        {
            if (_superseded.Remove(argument, out BlockDevice? found) && user.Uses(found))
                _found[argument] = found;
        }
    }

    /// <summary>Why a file that is open already cannot be used in this way too; null when it can.</summary>
    public string? Conflict(LegUse use)
    {
        lock (_lock)
        {
            if (!_files.TryGetValue(IdentityOf(use), out var open))
                return null;
            if (open.Use.OpensReadOnly && !use.ReadOnly)
                return $"{use.Path} is open for reading alone; remove the read-only exports and devices that use it first";
            if (use.Direct && !open.Use.Direct)
                return $"{use.Path} is open without O_DIRECT; leave --direct out, or remove what uses it first";
            return null;
        }
    }

    /// <inheritdoc/>
    public BlockDevice Find(string deviceArgument)
    {
        lock (_lock)
        {
            if (MappedName.Of(deviceArgument) is { } name)
                return _mapped[name];
            if (_found.TryGetValue(deviceArgument, out BlockDevice? found))
                return found;
            BlockDevice device = FindFile(_uses[deviceArgument]);
            _found.Add(deviceArgument, device);
            return device;
        }
    }

    /// <summary>A device as an export needs it; all exports of a file share one order of changes.</summary>
    public OrderedDevice FindOrdered(string deviceArgument)
    {
        BlockDevice device = Find(deviceArgument);
        if (device is OrderedDevice ordered)
            return ordered;
        lock (_lock)
        {
            if (!_ordered.TryGetValue(device, out PassThroughDevice? pass))
                _ordered.Add(device, pass = new PassThroughDevice(device));
            return pass;
        }
    }

    /// <summary>Forgets all names but those that are used, and closes the files that are left without one.</summary>
    public async ValueTask CloseUnusedAsync(IReadOnlySet<string> used)
    {
        List<FileDevice> unused = [];
        lock (_lock)
        {
            foreach (string argument in _uses.Keys.Where(a => !used.Contains(a)).ToList())
            {
                _uses.Remove(argument);
                _found.Remove(argument);
            }
            foreach ((string identity, (FileDevice device, _)) in _files.ToList())
            {
                if (_found.ContainsValue(device) || _superseded.ContainsValue(device))
                    continue;
                _files.Remove(identity);
                _ordered.Remove(device);
                unused.Add(device);
            }
        }
        foreach (FileDevice device in unused)
            await device.DisposeAsync();
    }

    public ValueTask DisposeAsync() => CloseUnusedAsync(new HashSet<string>());

    private static string IdentityOf(LegUse use) => LegFile.Probe(use.Path).Identity;

    private BlockDevice FindFile(LegUse use)
    {
        string identity = IdentityOf(use);
        if (_files.TryGetValue(identity, out var open))
            return open.Device;
        try
        {
            FileDevice device = Open(use);
            _files.Add(identity, (device, use));
            return device;
        }
        catch (DeviceOpenException e) when (use.MayBeMissing && e.Errno is not (Errno.EBUSY or Errno.EINVAL))
        {
            // What is in use is not missing: whoever has it may be writing to it. What cannot be right is a mistake.
            return _found.Values.OfType<MissingDevice>().FirstOrDefault(m => m.Name == use.Path)
                ?? new MissingDevice(loop, use.Path, e.Message);
        }
    }

    private FileDevice Open(LegUse use) => FileDevice.Open(loop, new FileDeviceOptions
    {
        Path = use.Path,
        Direct = use.Direct,
        ReadOnly = use.OpensReadOnly,
        InlineWrites = mayWait && use.IsOnlyLeg,
    });
}
