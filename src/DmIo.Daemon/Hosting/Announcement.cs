using DmIo.Daemon.Configuration;

namespace DmIo.Daemon.Hosting;

/// <summary>Tells on standard output how each export is reached.</summary>
internal static class Announcement
{
    public static async Task WriteAsync(
        TextWriter writer, IReadOnlyList<AnnouncedExport> exports, IReadOnlyList<ListenerConfiguration> listeners)
    {
        foreach (AnnouncedExport export in exports)
        {
            string access = export.ReadOnly ? "read-only" : "read-write";
            await writer.WriteLineAsync($"export '{export.Name}': {ByteSize.Format(export.Length.Bytes)}, {access}");
            foreach (ListenerConfiguration listener in listeners)
                await writer.WriteLineAsync($"  {UriOf(export.Name, listener, export.Tls)}");
            await writer.WriteLineAsync($"  {ClientLine(export, listeners)}");
        }
        await writer.FlushAsync();
    }

    /// <summary>A URI; of the schemes, those with an s are for TLS alone.</summary>
    public static string UriOf(string export, ListenerConfiguration listener, bool tls)
    {
        string scheme = tls ? "nbds" : "nbd";
        string name = Uri.EscapeDataString(export);
        return listener.UnixPath is { } path
            ? $"{scheme}+unix:///{name}?socket={Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal)}"
            : $"{scheme}://{listener.Endpoint}/{name}";
    }

    /// <summary>What root types to get a disk; a Unix socket, the faster way, if there is one.</summary>
    private static string ClientLine(AnnouncedExport export, IReadOnlyList<ListenerConfiguration> listeners)
    {
        ListenerConfiguration listener = listeners.FirstOrDefault(l => l.UnixPath is not null) ?? listeners[0];
        string server = listener.UnixPath is { } path
            ? $"-unix {ShellWord(path)}"
            : $"{listener.Endpoint!.Address} {listener.Endpoint.Port}";
        return $"nbd-client {server} /dev/nbd0 -name {ShellWord(export.Name)}{(export.Tls ? " -enable-tls" : "")}";
    }

    private static string ShellWord(string word) =>
        word.Length > 0 && word.All(IsPlain) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static bool IsPlain(char c) =>
        char.IsAsciiLetterOrDigit(c) || "/._-+:@%,".Contains(c, StringComparison.Ordinal);
}
