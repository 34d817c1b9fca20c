using Microsoft.Extensions.Logging;

namespace DmIo.Daemon.Hosting;

/// <summary>The daemon's own log messages.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "I/O backend: {Backend} on {Loops} loop(s)")]
    public static partial void Backend(ILogger log, string backend, int loops);

    [LoggerMessage(2, LogLevel.Information,
        "I/O backend: {Backend} on {Loops} loop(s); io_uring is not used: {Reason}")]
    public static partial void BackendInstead(ILogger log, string backend, int loops, string reason);

    [LoggerMessage(3, LogLevel.Information, "made {Path}, {Size}, sparse")]
    public static partial void LegMade(ILogger log, string path, string size);

    [LoggerMessage(4, LogLevel.Information, "{Device}: table {Table}")]
    public static partial void Table(ILogger log, string device, string table);

    [LoggerMessage(6, LogLevel.Information, "serving {Exports} export(s)")]
    public static partial void Serving(ILogger log, int exports);

    [LoggerMessage(32, LogLevel.Information, "memory is locked: {Size} of it now; this machine's swap may lie on a volume")]
    public static partial void MemoryLocked(ILogger log, string size);

    [LoggerMessage(7, LogLevel.Information, "stopping: finishing what is under way")]
    public static partial void Stopping(ILogger log);

    [LoggerMessage(8, LogLevel.Information, "stopped: everything is flushed and closed")]
    public static partial void Stopped(ILogger log);

    [LoggerMessage(9, LogLevel.Error, "gave up waiting after {Seconds} s; the next start treats this stop as a crash")]
    public static partial void StopTookTooLong(ILogger log, double seconds);

    [LoggerMessage(16, LogLevel.Information, "control: {Method} {Target}: done")]
    public static partial void ControlDone(ILogger log, string method, string target);

    [LoggerMessage(17, LogLevel.Information, "control: {Method} {Target}: {Reason}")]
    public static partial void ControlRefused(ILogger log, string method, string target, string reason);

    [LoggerMessage(15, LogLevel.Warning, "a file that nothing uses any more could not be closed within {Seconds} s: it hangs")]
    public static partial void CloseTakesLong(ILogger log, double seconds);

    [LoggerMessage(11, LogLevel.Information, "control socket: {Path}")]
    public static partial void Controlled(ILogger log, string path);

    [LoggerMessage(12, LogLevel.Warning, "there is no control socket: {Reason}")]
    public static partial void NotControlled(ILogger log, string reason);

    [LoggerMessage(13, LogLevel.Error, "control: {Method} {Path}: the daemon made a mistake")]
    public static partial void ControlBug(ILogger log, string method, string path, Exception exception);

    [LoggerMessage(14, LogLevel.Error, "control: nobody can answer at the control socket")]
    public static partial void ControlFailed(ILogger log, Exception exception);

    [LoggerMessage(18, LogLevel.Information, "{Device}: {Legs} is there again and was taken up")]
    public static partial void LegIsBack(ILogger log, string device, string legs);

    [LoggerMessage(19, LogLevel.Warning, "{Device}: {Legs} is there again and cannot be taken up: {Reason}")]
    public static partial void LegStaysAway(ILogger log, string device, string legs, string reason);

    [LoggerMessage(20, LogLevel.Information, "{Device}: goes on on I/O loop {Loop}, where what it belongs to lives")]
    public static partial void Moved(ILogger log, string device, int loop);

    [LoggerMessage(21, LogLevel.Error, "{Device}: could not be taken to another I/O loop, and is gone: {Reason}")]
    public static partial void Lost(ILogger log, string device, string reason);

    [LoggerMessage(31, LogLevel.Error, "{Option}: what the daemon serves for could not be done")]
    public static partial void ErrandFailed(ILogger log, string option, Exception exception);

    [LoggerMessage(33, LogLevel.Error, "{Reason}")]
    public static partial void ErrandNotBegun(ILogger log, string reason);

    [LoggerMessage(22, LogLevel.Information, "read {File} again: {Done}")]
    public static partial void Reloaded(ILogger log, string file, string done);

    [LoggerMessage(23, LogLevel.Error, "{File} was read again and has mistakes: everything stays as it was")]
    public static partial void ReloadRefused(ILogger log, string file);

    [LoggerMessage(24, LogLevel.Error, "{Mistake}")]
    public static partial void ReloadMistake(ILogger log, string mistake);

    [LoggerMessage(25, LogLevel.Error, "{Reason}")]
    public static partial void ReloadFailed(ILogger log, string reason);

    [LoggerMessage(26, LogLevel.Warning, "{Sentence}")]
    public static partial void ReloadStays(ILogger log, string sentence);

    [LoggerMessage(27, LogLevel.Information,
        "SIGHUP: the certificates in {Directory} were read again; there is no configuration file (--config) to read")]
    public static partial void CertificatesRead(ILogger log, string directory);

    [LoggerMessage(28, LogLevel.Information,
        "SIGHUP: there is nothing to read again, neither a configuration file (--config) nor certificates; SIGTERM stops the daemon")]
    public static partial void NothingToReload(ILogger log);

    [LoggerMessage(29, LogLevel.Error, "the daemon made a mistake while it read its configuration again")]
    public static partial void ReloadBug(ILogger log, Exception exception);

    [LoggerMessage(30, LogLevel.Information, "the terminal is gone")]
    public static partial void TerminalIsGone(ILogger log);

    [LoggerMessage(10, LogLevel.Error, "{Device}: could not be closed in good order: {Reason}")]
    public static partial void CloseFailed(ILogger log, string device, string reason);
}
