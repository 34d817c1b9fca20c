using DmIo.SideBySide.Cells;

namespace DmIo.SideBySide.Studies;

/// <summary>Something of our own that no peer has, measured in pairs.</summary>
/// <param name="Name">As given to --only.</param>
/// <param name="What">In words.</param>
/// <param name="Medium">What the legs lie on.</param>
internal sealed record Study(string Name, string What, Medium Medium = Medium.Memory)
{
    public static IReadOnlyList<Study> All { get; } =
    [
        new("recovery-copy", "how fast recovery copies, against dd"),
        new("recovery-copy-disk", "the same on a disk", Medium.Disk),
        new("recovery-read", "reads while recovery runs, against a mirror in sync"),
        new("structured", "structured replies against simple ones"),
        new("large", "a volume of 1 TiB against one of 1 GiB"),
    ];
}
