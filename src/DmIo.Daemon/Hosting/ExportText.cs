using System.Text;
using DmIo.Nbd;

namespace DmIo.Daemon.Hosting;

/// <summary>What clients are told of an export, for people.</summary>
internal static class ExportText
{
    /// <summary>
    /// The description that was configured, and with it the volume's UUID if it has one: whoever finds a device attached can
    /// tell whose it is. A text that leaves no room for it is cut.
    /// </summary>
    public static string? Of(string? configured, Guid? volume)
    {
        if (volume is not { } id)
            return configured;
        string uuid = $"volume {id}";
        if (string.IsNullOrEmpty(configured))
            return uuid;
        if (configured.Contains(id.ToString(), StringComparison.OrdinalIgnoreCase))
            return configured;
        string tail = $" ({uuid})";
        return Cut(configured, NbdExport.MaxTextBytes - tail.Length) + tail;
    }

    private static string Cut(string text, int limitBytes)
    {
        if (Encoding.UTF8.GetByteCount(text) <= limitBytes)
            return text;
        var cut = new StringBuilder();
        int bytes = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > limitBytes)
                break;
            cut.Append(rune.ToString());
        }
        return cut.ToString();
    }
}
