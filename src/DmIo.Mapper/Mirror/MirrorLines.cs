using System.Text;

namespace DmIo.Mapper;

/// <summary>
/// The words behind <c>mirror</c> in table and status lines, as the kernel prints them (dm-semantics B.2, B.3).
/// </summary>
internal static class MirrorLines
{
    /// <summary>The table's words: what creates the same mirror again.</summary>
    public static string Table(in MirrorTableParts parts)
    {
        var words = new StringBuilder(parts.LogWord is null ? "core" : "disk");
        int logArguments = (parts.LogWord is null ? 1 : 2) + (parts.Sync == MirrorSync.Unsaid ? 0 : 1);
        words.Append(' ').Append(logArguments);
        if (parts.LogWord is not null)
            words.Append(' ').Append(parts.LogWord);
        words.Append(' ').Append(parts.RegionSize);
        words.Append(parts.Sync switch { MirrorSync.Sync => " sync", MirrorSync.NoSync => " nosync", _ => "" });
        words.Append(' ').Append(parts.Legs.Count);
        foreach (ShownLeg leg in parts.Legs)
            words.Append(' ').Append(leg.Word).Append(' ').Append(leg.Offset);
        words.Append(parts.Features switch
        {
            MirrorFeatures.None => "",
            MirrorFeatures.HandleErrors => " 1 handle_errors",
            _ => " 2 handle_errors keep_log",
        });
        return words.ToString();
    }

    /// <summary>The status's words. The 1 and the 3 in it are counts of the words that follow them.</summary>
    public static string Status(in MirrorStatusParts parts)
    {
        var words = new StringBuilder().Append(parts.Legs.Count);
        foreach (string leg in parts.Legs)
            words.Append(' ').Append(leg);
        words.Append(' ').Append(parts.InSync).Append('/').Append(parts.Regions);
        words.Append(" 1 ").Append(parts.Health);
        if (parts.Log is { } log)
            words.Append(" 3 disk ").Append(log.Word).Append(' ').Append(log.Letter);
        else
            words.Append(" 1 core");
        return words.ToString();
    }
}
