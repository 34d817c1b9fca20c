namespace DmIo.SideBySide.Cells;

/// <summary>What the legs lie on.</summary>
internal enum Medium
{
    Memory,
    Disk,
}
