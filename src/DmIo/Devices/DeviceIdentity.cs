namespace DmIo;

/// <summary>What tells one file or disk from another.</summary>
/// <param name="IsBlockSpecial">A block special file rather than a regular one.</param>
/// <param name="DeviceMajor">Of the disk itself, or of the file system that holds the file.</param>
/// <param name="DeviceMinor">Of the disk itself, or of the file system that holds the file.</param>
/// <param name="Inode">Of a regular file; zero for a disk.</param>
/// <param name="SizeBytes">Size when opened.</param>
public readonly record struct DeviceIdentity(
    bool IsBlockSpecial, uint DeviceMajor, uint DeviceMinor, ulong Inode, long SizeBytes)
{
    /// <summary>
    /// When a regular file was created, in nanoseconds since 1970; zero where the file system does not say. Inode numbers
    /// are used again, so a file that was replaced under its path is told by this alone.
    /// </summary>
    public long CreatedNs { get; init; }

    /// <summary>The device number as device-mapper prints it.</summary>
    public string MajorMinor => $"{DeviceMajor}:{DeviceMinor}";
}
