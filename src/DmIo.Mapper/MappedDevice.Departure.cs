namespace DmIo.Mapper;

// From one loop to another: a device never leaves its loop, another one goes on where it has ended.
public sealed partial class MappedDevice
{
    /// <summary>
    /// Stops the device, so that another can go on in its place on the loop of the devices beneath, which may be moved
    /// meanwhile. This one is to be disposed. From any thread.
    /// </summary>
    /// <exception cref="NotNowException">It is at work, and goes on with that.</exception>
    public Task<DepartedDevice> DepartAsync() => Loop.InvokeAsync(async () =>
    {
        if (WhyItStays() is { } reason)
            throw new NotNowException($"{Name}: {reason}");
        await EndRequestsAsync();
        Target[] targets = _targets;
        await LetGoAsync(targets.Length);
        _targets = [];
        MappedDeviceOptions options = _options with
        {
            IsUnwritten = _isUnwritten,
            Carried = [.. _carried],
            TargetStates = [.. targets.Select(target => target.State)],
        };
        return new DepartedDevice(Name, _table, options, _eventNumber, [.. _departed]);
    });

    /// <summary>Makes a device that goes on where another has ended. From any thread.</summary>
    /// <param name="from">The other.</param>
    /// <param name="loop">The home of the device and of every device beneath.</param>
    /// <param name="devices">Where the table's devices come from; asked on the loop.</param>
    /// <exception cref="MapperException">It cannot be made; all problems that were found, with their remedies.</exception>
    public static Task<MappedDevice> ArriveAsync(DepartedDevice from, IoLoop loop, IDeviceSource devices)
    {
        ArgumentNullException.ThrowIfNull(from);
        var device = new MappedDevice(loop, from.Name, from.Table, devices, from.Options)
        {
            _eventNumber = from.EventNumber,
            _isUnwritten = from.Options.IsUnwritten,
        };
        device._carried.AddRange(from.Options.Carried);
        device._departed.AddRange(from.Hung);
        return BeginAsync(device, from.Options, CancellationToken.None);
    }

    private string? WhyItStays()
    {
        if (_stopped)
            return "it is stopped";
        if (!_changing.IsCompleted || IsSuspended || HasInactiveTable)
            return "it is suspended or being given another table; resume it first (resume)";
        if (Scrub is { IsRunning: true })
            return "its legs are being compared; wait for that, or interrupt it";
        return _departed.Concat(_targets).Any(target => target.HungLegs.Any())
            ? "something beneath it was asked something that hangs and may still land; wait until it answers"
            : null;
    }
}
