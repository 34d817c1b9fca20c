namespace DmIo;

/// <summary>A device could not be opened; the message names the path, the reason and the remedy.</summary>
public sealed class DeviceOpenException : IOException
{
    /// <summary>Creates the exception.</summary>
    public DeviceOpenException(string message, Errno errno)
        : base(message) => Errno = errno;

    /// <summary>What the system said.</summary>
    public Errno Errno { get; }
}
