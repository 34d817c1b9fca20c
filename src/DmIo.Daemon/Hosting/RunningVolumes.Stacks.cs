using System.Collections.Immutable;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;
using DmIo.Mapper;

namespace DmIo.Daemon.Hosting;

// All that a volume stands on lives on its loop. What comes together later is brought there, as long as no client uses it.
internal sealed partial class RunningVolumes
{
    /// <summary>Puts devices behind those that they stand on, whatever came first.</summary>
    private void SortDevices()
    {
        var sorted = ImmutableArray.CreateBuilder<RunningDevice>(Devices.Length);
        foreach (RunningDevice device in Devices)
            Add(device, []);
        Devices = sorted.MoveToImmutable();

        // Tables that wait for a resume are left out: only live ones have no cycles.
        void Add(RunningDevice device, ImmutableHashSet<string> above)
        {
            if (sorted.Contains(device) || above.Contains(device.Name))
                return;
            foreach (string argument in device.Device.Table.Devices)
            {
                if (Devices.FirstOrDefault(d => d.Name == MappedName.Of(argument)) is { } below)
                    Add(below, above.Add(device.Name));
            }
            sorted.Add(device);
        }
    }

    /// <summary>Brings what a device is to stand on onto one loop, with the device itself.</summary>
    /// <returns>The loop; null when nothing of it lives anywhere yet.</returns>
    private async Task<int?> BringTogetherAsync(
        string name, IReadOnlyList<string> arguments, int? home, CheckedConfiguration @checked)
    {
        var stacks = new List<DeviceStack>();
        if (home is { } its)
            Add(StackOf(its, _registries[its].Peek(MappedName.Prefix + name)!));
        foreach (string argument in arguments)
        {
            if (Locate(argument, @checked) is var (loop, device))
                Add(StackOf(loop, device));
        }
        DeviceStack[] held = [.. stacks.Where(s => s.Hold is not null).DistinctBy(s => s.Loop)];
        if (held.Length > 1)
        {
            ((string reason, _), (string other, string remedy)) = (held[0].Hold!.Value, held[^1].Hold!.Value);
            throw ControlException.Conflict(
                $"{name}: {reason}, and {other}: they live on different I/O loops, and what is in use stays on its own; "
                + $"{remedy} first, or put all of it into one configuration");
        }
        int? to = held.FirstOrDefault()?.Loop ?? stacks.FirstOrDefault()?.Loop;
        foreach (DeviceStack stack in stacks.Where(s => s.Loop != to))
            await MoveAsync(stack, to!.Value);
        return to;

        void Add(DeviceStack stack)
        {
            if (!stacks.Exists(s => s.All.Overlaps(stack.All)))
                stacks.Add(stack);
        }
    }

    private (int Loop, BlockDevice Device)? Locate(string argument, CheckedConfiguration @checked)
    {
        bool isMapped = MappedName.Of(argument) is not null;
        for (int i = 0; i < _registries.Count; i++)
        {
            BlockDevice? device =
                isMapped ? _registries[i].Peek(argument) : _registries[i].FileOf(@checked.Legs[argument]);
            if (device is not null)
                return (i, device);
        }
        return null;
    }

    private DeviceStack StackOf(int loop, BlockDevice start)
    {
        DeviceRegistry registry = _registries[loop];
        var all = new HashSet<BlockDevice> { start };
        var devices = new HashSet<RunningDevice>();
        bool grows = true;
        while (grows)
        {
            grows = false;
            foreach (RunningDevice device in Devices.Where(d => d.Loop == loop && !devices.Contains(d)))
            {
                BlockDevice[] its = [device.Device, .. device.Arguments.Select(registry.Peek).OfType<BlockDevice>()];
                if (!its.Any(all.Contains))
                    continue;
                all.UnionWith(its);
                grows = devices.Add(device);
            }
        }
        return new DeviceStack(loop, [.. Devices.Where(devices.Contains)], all, HoldOf(registry, devices, all));
    }

    private (string Reason, string Remedy)? HoldOf(
        DeviceRegistry registry, HashSet<RunningDevice> devices, HashSet<BlockDevice> all)
    {
        if (ServedExports.FirstOrDefault(e => Means(e.Source.Device)) is { } export)
            return ($"{export.Source.Device} is exported as '{export.Source.Name}'", $"export remove {export.Source.Name}");
        if (_claims.Find(Means) is { } claimed)
            return ($"{claimed} is being changed", "wait for that");
        if (devices.FirstOrDefault(d => d.Device.IsSuspended || d.Device.HasInactiveTable) is { } waiting)
            return ($"dm:{waiting.Name} is suspended or has a loaded table", $"resume {waiting.Name}");
        return devices.FirstOrDefault(d => d.Device.Scrub is { IsRunning: true }) is { } scrubbed
            ? ($"the legs of dm:{scrubbed.Name} are being compared", "wait for that, or interrupt it,")
            : null;

        bool Means(string argument) => registry.Peek(argument) is { } device && all.Contains(device);
    }

    private async Task MoveAsync(DeviceStack stack, int to)
    {
        var departed = new Stack<(RunningDevice Device, DepartedDevice Left)>();
        try
        {
            await DepartAsync(stack.Devices, departed);
            await _registries[stack.Loop].HandOverAsync(stack.All, _registries[to], to);
        }
        catch (MapperException)
        {
            await ArriveAsync(departed, stack.Loop);
            throw;
        }
        await ArriveAsync(departed, to);
    }

    // From the top down.
    private async Task DepartAsync(
        ImmutableArray<RunningDevice> devices, Stack<(RunningDevice Device, DepartedDevice Left)> departed)
    {
        foreach (RunningDevice device in devices.Reverse())
        {
            departed.Push((device, await device.Device.DepartAsync()));
            _registries[device.Loop].Remove(device.Name);
            await device.Device.DisposeAsync();
        }
    }

    // From the ground up.
    private async Task ArriveAsync(Stack<(RunningDevice Device, DepartedDevice Left)> departed, int loop)
    {
        var lost = new List<string>();
        foreach ((RunningDevice device, DepartedDevice left) in departed)
        {
            try
            {
                MappedDevice there = await MappedDevice.ArriveAsync(left, _loops[loop], _registries[loop]);
                _registries[loop].Add(device.Name, there);
                Devices = Devices.Replace(device, device with { Device = there, Loop = loop });
                Log.Moved(_log, device.Name, loop);
            }
            catch (Exception e) when (e is MapperException or IOException or KeyNotFoundException)
            {
                Devices = Devices.Remove(device);
                _devicesOfFile.Remove(device.Name);
                Log.Lost(_log, device.Name, e.Message);
                lost.Add($"{device.Name}: could not be taken to another I/O loop, and is gone ({e.Message}); create it again");
            }
        }
        if (lost.Count > 0)
            throw ControlException.Failed(string.Join('\n', lost));
    }
}
