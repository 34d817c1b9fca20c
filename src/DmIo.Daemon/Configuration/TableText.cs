using DmIo.Mapper;

namespace DmIo.Daemon.Configuration;

/// <summary>Tables as people write them.</summary>
internal static class TableText
{
    /// <summary>The lines without comments and spare blanks.</summary>
    public static List<string> Lines(string text) =>
    [
        .. text.Split('\n').Select(line => string.Join(' ', TableWords.Split(line).Select(TableWords.Quote)))
            .Where(line => line.Length > 0),
    ];
}
