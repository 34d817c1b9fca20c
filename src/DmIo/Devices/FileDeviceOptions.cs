namespace DmIo;

/// <summary>How a file or disk is opened as a device.</summary>
public sealed record FileDeviceOptions
{
    /// <summary>A regular file or a block special file.</summary>
    public required string Path { get; init; }

    /// <summary>Bypass the page cache (O_DIRECT).</summary>
    public bool Direct { get; init; }

    /// <summary>Open for reading alone.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// Do buffered writes on the loop's own thread. Right for the only leg of an export, where nothing else would be kept
    /// waiting by it that is not its own; wrong for the leg of a mirror. Files in memory (tmpfs) always work inline.
    /// </summary>
    public bool InlineWrites { get; init; }
}
