namespace DmIo.Mapper;

/// <summary>A place on an open device that a target uses.</summary>
/// <param name="Device">The device.</param>
/// <param name="Offset">Where the target's first sector lies.</param>
/// <param name="Argument">The device as the table names it.</param>
internal sealed record TargetLeg(BlockDevice Device, Sectors Offset, string Argument)
{
    /// <summary>The device as status and table lines show it: a disk's number, otherwise the table's word.</summary>
    public string Shown => Device is FileDevice { Identity.IsBlockSpecial: true } disk
        ? disk.Identity.MajorMinor
        : TableWords.Quote(Argument);
}
