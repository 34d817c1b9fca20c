namespace DmIo.Mapper;

/// <summary>
/// Where a table's device arguments become devices. Whoever implements it opens the devices and closes them.
/// </summary>
public interface IDeviceSource
{
    /// <summary>
    /// Finds the device for an argument: a path, or <c>dm:NAME</c> for another mapped device. The same file or disk is
    /// always the same object. Called on the loop of the device that asks.
    /// </summary>
    /// <exception cref="IOException">It cannot be had; the message says why and what to do.</exception>
    BlockDevice Find(string deviceArgument);
}
