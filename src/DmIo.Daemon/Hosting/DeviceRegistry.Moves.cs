using DmIo.Daemon.Configuration;
using DmIo.Mapper;

namespace DmIo.Daemon.Hosting;

// What is open here goes over to another loop, still open and locked.
internal sealed partial class DeviceRegistry
{
    /// <summary>The device that a table or export means by its words, as far as it is open here.</summary>
    public BlockDevice? Peek(string argument)
    {
        lock (_lock)
            return MappedName.Of(argument) is { } name ? _mapped.GetValueOrDefault(name) : _found.GetValueOrDefault(argument);
    }

    /// <summary>The open file or disk, whatever its name.</summary>
    public FileDevice? FileOf(LegUse use)
    {
        lock (_lock)
            return _files.GetValueOrDefault(IdentityOf(use)).Device;
    }

    /// <summary>Gives files and disks, and those that are missing, to another loop's registry. Nothing may use them.</summary>
    public async Task HandOverAsync(IReadOnlySet<BlockDevice> devices, DeviceRegistry to, int toLoop)
    {
        foreach (BlockDevice device in devices.Where(d => d is not MappedDevice))
        {
            BlockDevice moved = device switch
            {
                FileDevice file => await loop.InvokeAsync(() => file.MoveToAsync(to.Loop)),
                _ => new MissingDevice(to.Loop, device.Name, ((MissingDevice)device).Reason),
            };
            to.Take(moved, Forget(device), toLoop);
        }
    }

    private IoLoop Loop => loop;

    private Known Forget(BlockDevice device)
    {
        lock (_lock)
        {
            string[] names = [.. _found.Where(f => f.Value == device).Select(f => f.Key)];
            var uses = names.ToDictionary(name => name, name => _uses[name]);
            foreach (string name in names)
            {
                _found.Remove(name);
                _uses.Remove(name);
            }
            _ordered.Remove(device);
            if (_files.FirstOrDefault(f => f.Value.Device == device) is not { Key: { } identity, Value.Use: var use })
                return new Known(uses, null);
            _files.Remove(identity);
            return new Known(uses, (identity, use));
        }
    }

    private void Take(BlockDevice device, Known known, int at)
    {
        lock (_lock)
        {
            foreach ((string name, LegUse use) in known.Uses)
            {
                _uses[name] = use with { Loop = at };
                _found[name] = device;
            }
            if (known.File is { } file)
                _files[file.Identity] = ((FileDevice)device, file.Use);
        }
    }

    private sealed record Known(Dictionary<string, LegUse> Uses, (string Identity, LegUse Use)? File);
}
