using DmIo.Mapper;
using Microsoft.Extensions.Logging;

namespace DmIo.Daemon.Configuration;

/// <summary>Values that are one of a few words.</summary>
internal static class Words
{
    private static readonly Dictionary<string, LoopBackend> Backends = new()
    {
        ["auto"] = LoopBackend.Auto,
        ["io_uring"] = LoopBackend.IoUring,
        ["threads"] = LoopBackend.Threads,
    };

    private static readonly Dictionary<string, LogLevel> Levels = new()
    {
        ["trace"] = LogLevel.Trace,
        ["debug"] = LogLevel.Debug,
        ["information"] = LogLevel.Information,
        ["warning"] = LogLevel.Warning,
        ["error"] = LogLevel.Error,
    };

    private static readonly Dictionary<string, WhenUnrecorded> Unrecordeds = new()
    {
        ["fail"] = WhenUnrecorded.Fail,
        ["hold"] = WhenUnrecorded.Hold,
    };

    private static readonly Dictionary<string, TlsMode> TlsModes = new()
    {
        ["off"] = TlsMode.Off,
        ["require"] = TlsMode.Require,
        ["exports"] = TlsMode.Exports,
    };

    public static TlsMode Tls(string place, string text, Mistakes mistakes) =>
        Choose(place, text, TlsModes, TlsMode.Off, mistakes);

    public static LoopBackend Backend(string place, string text, Mistakes mistakes) =>
        Choose(place, text, Backends, LoopBackend.Auto, mistakes);

    public static LogLevel Level(string place, string text, Mistakes mistakes) =>
        Choose(place, text, Levels, LogLevel.Information, mistakes);

    public static WhenUnrecorded Unrecorded(string place, string text, Mistakes mistakes) =>
        Choose(place, text, Unrecordeds, WhenUnrecorded.Fail, mistakes);

    private static T Choose<T>(string place, string text, Dictionary<string, T> words, T otherwise, Mistakes mistakes)
    {
        if (words.TryGetValue(text, out T? value))
            return value;
        mistakes.Add(place, $"'{text}' is none of {string.Join(", ", words.Keys)}; take one of these");
        return otherwise;
    }
}
