namespace DmIo.Mapper;

// From the table's words to open devices and targets.
public sealed partial class MappedDevice
{
    // As in device-mapper.
    private const int MaxNameLength = 127;

    private int _logicalBlockBytes = Sectors.SizeBytes;
    private int _memoryAlignmentBytes = 1;
    private bool _isReadOnly;
    private Sectors _discardLimit;
    private Sectors _writeZeroesLimit;

    private static bool IsValidName(string name) =>
        name is { Length: > 0 and <= MaxNameLength } && name is not ("." or "..")
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '+');

    // The devices of a table, found and checked, and what follows from them.
    private sealed record Binding(
        List<(TableLine Line, TargetLeg[] Legs)> Places, List<(TableLine Line, TargetLeg Place)> Others,
        int LogicalBlockBytes, int MemoryAlignmentBytes, bool IsReadOnly)
    {
        public IEnumerable<BlockDevice> Devices =>
            Places.SelectMany(place => place.Legs).Concat(Others.Select(other => other.Place)).Select(leg => leg.Device);
    }

    private Binding Check(Table table)
    {
        var problems = new List<string>();
        var places = new List<(TableLine Line, TargetLeg[] Legs)>();
        var others = new List<(TableLine Line, TargetLeg Place)>();
        foreach (TableLine line in table.Lines)
        {
            var legs = new List<TargetLeg>();
            int index = 0;
            foreach (DeviceArgument argument in line.Target.Devices)
            {
                if (Find(_devices, line, argument, index++, problems) is { } leg)
                    legs.Add(leg);
            }
            places.Add((line, [.. legs]));
            foreach (string argument in line.Target.OtherDevices)
            {
                if (Find(_devices, argument, line.Target.OtherLookupFailure, problems) is { } device)
                    others.Add((line, new TargetLeg(device, Sectors.Zero, argument)));
            }
        }
        CheckTwice(places, problems);
        CheckOthers(places, others, problems);
        if (problems.Count > 0)
            throw new MapperException(problems);
        int logicalBlockBytes = Sectors.SizeBytes;
        int memoryAlignmentBytes = 1;
        bool isReadOnly = false;
        foreach (BlockDevice device in places.SelectMany(place => place.Legs).Select(leg => leg.Device))
        {
            logicalBlockBytes = Math.Max(logicalBlockBytes, device.LogicalBlockBytes);
            memoryAlignmentBytes = Math.Max(memoryAlignmentBytes, device.MemoryAlignmentBytes);
            isReadOnly |= device.IsReadOnly;
        }
        CheckAlignment(places, logicalBlockBytes, problems);
        if (problems.Count > 0)
            throw new MapperException(problems);
        return new Binding(places, others, logicalBlockBytes, memoryAlignmentBytes, isReadOnly);
    }

    private void Bind(Table table, Binding binding, MappedDeviceOptions options)
    {
        _table = table;
        // Clients may have been told of larger blocks; smaller ones do them no harm.
        _logicalBlockBytes = Math.Max(_logicalBlockBytes, binding.LogicalBlockBytes);
        _memoryAlignmentBytes = binding.MemoryAlignmentBytes;
        _isReadOnly = binding.IsReadOnly;
        _targets = [.. binding.Places.Select(place => Make(
            place.Line, place.Legs, binding.Others.Find(other => other.Line == place.Line).Place, options))];
        foreach ((Target target, object? state) in _targets.Zip(options.TargetStates))
        {
            if (state is not null)
                target.TakeState(state);
        }
        _discardLimit = LimitOf(target => target.DiscardLimit);
        _writeZeroesLimit = LimitOf(target => target.WriteZeroesLimit);
    }

    private Target Make(TableLine line, TargetLeg[] legs, TargetLeg? log, MappedDeviceOptions options) => line.Target switch
    {
        LinearSpec => new LinearTarget(this, line, legs[0]),
        StripedSpec => new StripedTarget(this, line, legs),
        ZeroSpec => new ZeroTarget(this, line),
        ErrorSpec => new ErrorTarget(this, line),
        DelaySpec => new DelayTarget(this, line, legs),
        FlakeySpec => new FlakeyTarget(this, line, legs[0], options.NewRandom()),
        DustSpec => new DustTarget(this, line, legs[0]),
        LogWritesSpec => new LogWritesTarget(this, line, legs[0], log!),
        MirrorSpec => new MirrorTarget(this, line, legs, log, options),
        _ => throw new InvalidOperationException($"There is no target for {line.Target.GetType().Name}."),
    };

    private Sectors LimitOf(Func<Target, Sectors> limit) => _targets.Select(limit).Min();

    private TargetLeg? Find(IDeviceSource devices, TableLine line, DeviceArgument leg, int index, List<string> problems)
    {
        if (Find(devices, leg.Device, "Device lookup failure", problems) is not { } device)
            return null;
        Sectors length = line.Target.LengthOnDevice(line.Length);
        if (leg.Offset.Count <= device.Length.Count - length.Count)
            return new TargetLeg(device, leg.Offset, leg.Device);
        string what = line.Target is MirrorSpec or StripedSpec ? $"leg {index}, {leg.Device}," : leg.Device;
        problems.Add(
            $"{Name}: {what} too small for target: start={leg.Offset}, len={length}, dev_size={device.Length} "
            + $"sectors; make it at least {(leg.Offset + length).Bytes} bytes long (it has "
            + $"{device.Length.Bytes}), or take a smaller size");
        return null;
    }

    private BlockDevice? Find(IDeviceSource devices, string argument, string what, List<string> problems)
    {
        BlockDevice device;
        try
        {
            device = devices.Find(argument);
        }
        catch (IOException e)
        {
            problems.Add($"{Name}: {what}: {e.Message}");
            return null;
        }
        return device.Loop == Loop
            ? device
            : throw new InvalidOperationException($"{device.Name} lives on another loop than {Name}.");
    }

    private void CheckTwice(List<(TableLine Line, TargetLeg[] Legs)> places, List<string> problems)
    {
        var uses = new List<(TargetLeg Leg, Sectors Length)>();
        foreach ((TableLine line, TargetLeg[] legs) in places)
        {
            Sectors length = line.Target.LengthOnDevice(line.Length);
            foreach (TargetLeg leg in legs)
            {
                bool twice = uses.Any(use =>
                    use.Leg.Device == leg.Device && use.Leg.Offset < leg.Offset + length
                    && leg.Offset < use.Leg.Offset + use.Length);
                if (twice)
                {
                    problems.Add(
                        $"{Name}: {leg.Argument} is used twice in the same place (sector {leg.Offset} on); each leg "
                        + "needs a place of its own: name another device or offset");
                }
                uses.Add((leg, length));
            }
        }
    }

    private void CheckOthers(
        List<(TableLine Line, TargetLeg[] Legs)> places, List<(TableLine Line, TargetLeg Place)> others,
        List<string> problems)
    {
        var taken = places.SelectMany(place => place.Legs).Select(leg => leg.Device).ToHashSet();
        foreach ((_, TargetLeg other) in others)
        {
            if (!taken.Add(other.Device))
            {
                problems.Add(
                    $"{Name}: the log {other.Argument} is used by something else too; it takes a whole device: name "
                    + "another for it");
            }
        }
    }

    private void CheckAlignment(
        List<(TableLine Line, TargetLeg[] Legs)> places, int logicalBlockBytes, List<string> problems)
    {
        long unit = (logicalBlockBytes >> Sectors.Shift) - 1;
        foreach ((TableLine line, TargetLeg[] legs) in places)
        {
            long edges = legs.Aggregate(line.Start.Count | line.Length.Count, (edge, leg) => edge | leg.Offset.Count);
            if ((edges & unit) != 0)
            {
                problems.Add(
                    $"{Name}: the line at sector {line.Start} is not aligned to the logical block size of "
                    + $"{logicalBlockBytes} bytes; make its start, length and offsets multiples of {unit + 1} "
                    + "sectors");
            }
            if (line.Target.CheckBlocks(logicalBlockBytes) is { } problem)
            {
                problems.Add(
                    $"{Name}: the {line.Target.Name} at sector {line.Start} has {problem} and a device with a "
                    + $"logical block size of {logicalBlockBytes} bytes; take a multiple of that");
            }
        }
    }
}
