namespace DmIo.Mapper;

/// <summary>
/// What is left of a mapped device that was taken off its loop (<see cref="MappedDevice.DepartAsync"/>): all that it takes to
/// go on with it, on another loop or on the same.
/// </summary>
public sealed class DepartedDevice
{
    internal DepartedDevice(
        string name, Table table, MappedDeviceOptions options, long eventNumber, IReadOnlyList<Target> hung)
    {
        Name = name;
        Table = table;
        Options = options;
        EventNumber = eventNumber;
        Hung = hung;
    }

    /// <summary>The device's name.</summary>
    public string Name { get; }

    internal Table Table { get; }

    // With what no record says of the targets and of the devices beneath.
    internal MappedDeviceOptions Options { get; }

    internal long EventNumber { get; }

    // Targets beneath which something hangs.
    internal IReadOnlyList<Target> Hung { get; }
}
