using System.Text.Json.Serialization;

namespace DmIo.Mapper;

/// <summary>
/// What tells a leg from every other after a restart. A file is its file system, its inode, the time it was created (inode
/// numbers are used again) and its size, which may grow; a disk is its worldwide name or serial number, or what the kernel knows a mapped
/// device or a loop device by, and its size; any other device is its name and size. A disk of which none of that is known
/// is never taken for the one that was recorded.
/// </summary>
internal sealed record LegIdentity
{
    public required string Kind { get; init; }

    public required string Name { get; init; }

    public long SizeBytes { get; init; }

    public ulong Inode { get; init; }

    public long CreatedNs { get; init; }

    public string? DeviceNumber { get; init; }

    public string? Serial { get; init; }

    public static LegIdentity Of(BlockDevice device, string argument)
    {
        if (device is not FileDevice file)
            return new LegIdentity { Kind = "device", Name = argument, SizeBytes = device.Length.Bytes };
        DeviceIdentity id = file.Identity;
        string path = Path.GetFullPath(file.Name);
        return id.IsBlockSpecial
            ? new LegIdentity
            {
                Kind = "disk",
                Name = path,
                SizeBytes = id.SizeBytes,
                DeviceNumber = id.MajorMinor,
                Serial = ReadSerial(id.MajorMinor),
            }
            : new LegIdentity
            {
                Kind = "file",
                Name = path,
                SizeBytes = id.SizeBytes,
                DeviceNumber = id.MajorMinor,
                Inode = id.Inode,
                CreatedNs = id.CreatedNs,
            };
    }

    /// <summary>
    /// All that counts when legs are told apart, as one text; null when nothing is known that would tell this one.
    /// </summary>
    [JsonIgnore]
    public string? Canonical => Kind switch
    {
        "file" => $"file {DeviceNumber} {Inode} {CreatedNs} {SizeBytes}",
        "disk" when Serial is not null => $"disk {Serial} {SizeBytes}",
        "device" => $"device {Name} {SizeBytes}",
        _ => null,
    };

    /// <summary>
    /// Whether this is the leg that was recorded; it may have become longer. What cannot be known counts as another one.
    /// </summary>
    public bool IsSameAs(LegIdentity recorded) =>
        recorded is not null && SizeBytes >= recorded.SizeBytes
        && (this with { SizeBytes = recorded.SizeBytes }).Canonical is { } canonical && canonical == recorded.Canonical;

    private static string? ReadSerial(string deviceNumber)
    {
        string directory = $"/sys/dev/block/{deviceNumber}";
        if (ReadLine($"{directory}/partition") is { } partition)
            return ReadDiskSerial($"{directory}/..") is { } disk ? $"{disk} partition {partition}" : null;
        return ReadDiskSerial(directory);
    }

    private static string? ReadDiskSerial(string directory)
    {
        // NVMe, SCSI, virtio; mapped devices, arrays and loop devices: whichever the kernel shows.
        string[] attributes =
        [
            "wwid", "device/wwid", "serial", "device/serial", "dm/uuid", "dm/name", "md/uuid", "loop/backing_file",
        ];
        foreach (string attribute in attributes)
        {
            if (ReadLine($"{directory}/{attribute}") is { } value)
                return $"{attribute} {value}";
        }
        return null;
    }

    private static string? ReadLine(string path)
    {
        try
        {
            return File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } line ? line : null;
        }
        catch (IOException)
        {
            // A disk without the page behind the attribute.
            return null;
        }
    }
}
