namespace DmIo.Mapper;

/// <summary>A target's name and checked arguments, before any device is opened.</summary>
public abstract record TargetSpec
{
    /// <summary>The target's name in a table.</summary>
    public abstract string Name { get; }

    /// <summary>The places on other devices that the target uses, in the order of the table.</summary>
    public abstract IReadOnlyList<DeviceArgument> Devices { get; }

    /// <summary>How many sectors of each of <see cref="Devices"/> a line of a length uses.</summary>
    public virtual Sectors LengthOnDevice(Sectors length) => length;

    /// <summary>The devices that the target uses as a whole, for nothing but itself: a log.</summary>
    public virtual IEnumerable<string> OtherDevices => [];

    // What people are told when one of these is not there, in the kernel's words.
    internal virtual string OtherLookupFailure => "Device lookup failure";

    // What of the target does not fit logical blocks of a size; null when all does.
    internal virtual string? CheckBlocks(int logicalBlockBytes) => null;
}
