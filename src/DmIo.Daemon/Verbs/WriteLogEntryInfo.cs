using DmIo.Mapper;

namespace DmIo.Daemon.Verbs;

/// <summary>An entry of a log of writes, as replay-log --list --json has it.</summary>
/// <param name="Index">Which one, from 0 on.</param>
/// <param name="Kind">The words of its flags: write, flush, fua, discard, mark, metadata.</param>
/// <param name="StartSector">First 512-byte sector on the device.</param>
/// <param name="LengthSectors">How many.</param>
/// <param name="Mark">The text of a mark.</param>
internal sealed record WriteLogEntryInfo(
    long Index, IReadOnlyList<string> Kind, long StartSector, long LengthSectors, string? Mark)
{
    public static WriteLogEntryInfo Of(LogWritesEntry entry) => new(
        entry.Index, [.. KindOf(entry.Flags)], entry.Start.Count, entry.Count.Count,
        entry.Flags.HasFlag(LogWritesFlags.Mark) ? entry.Mark : null);

    private static IEnumerable<string> KindOf(LogWritesFlags flags)
    {
        // What is neither of these was a plain write.
        if ((flags & (LogWritesFlags.Flush | LogWritesFlags.Discard | LogWritesFlags.Mark)) == 0)
            yield return "write";
        foreach (LogWritesFlags flag in Enum.GetValues<LogWritesFlags>())
        {
            if (flag != LogWritesFlags.None && flags.HasFlag(flag))
                yield return flag.ToString().ToLowerInvariant();
        }
    }
}
