namespace DmIo.Mapper;

/// <summary>
/// What tells a leg from every other after a restart. A file is its path, its inode and the time it was created (inode
/// numbers are used again); a disk is its serial number where it has one, otherwise its device number and size; any
/// other device is its name.
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
                Inode = id.Inode,
                CreatedNs = id.CreatedNs,
            };
    }

    /// <summary>Whether this is the leg that was recorded. What cannot be known counts as another one.</summary>
    public bool IsSameAs(LegIdentity recorded)
    {
        if (Kind != recorded.Kind)
            return false;
        return Kind switch
        {
            "file" => Name == recorded.Name && Inode == recorded.Inode && CreatedNs == recorded.CreatedNs,
            "disk" when Serial is not null || recorded.Serial is not null =>
                Serial == recorded.Serial && SizeBytes == recorded.SizeBytes,
            "disk" => DeviceNumber == recorded.DeviceNumber && SizeBytes == recorded.SizeBytes,
            _ => Name == recorded.Name,
        };
    }

    private static string? ReadSerial(string deviceNumber)
    {
        // NVMe and partitions' disks, SCSI, virtio: whichever the kernel shows.
        foreach (string attribute in (string[])["wwid", "device/wwid", "serial", "device/serial"])
        {
            string path = $"/sys/dev/block/{deviceNumber}/{attribute}";
            try
            {
                if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } serial)
                    return serial;
            }
            catch (IOException)
            {
                // A disk without the page behind the attribute.
            }
        }
        return null;
    }
}
