namespace DmIo.Mapper;

/// <summary>A target's name and checked arguments, before any device is opened.</summary>
public abstract record TargetSpec
{
    /// <summary>The target's name in a table.</summary>
    public abstract string Name { get; }

    /// <summary>The places on other devices that the target uses, in the order of the table.</summary>
    public abstract IReadOnlyList<DeviceArgument> Devices { get; }

    /// <summary>The devices that the target uses as a whole, for nothing but itself: a mirror's log.</summary>
    public virtual IEnumerable<string> OtherDevices => [];
}
