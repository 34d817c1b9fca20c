using System.Globalization;
using DmIo.Linux;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Display;

namespace DmIo.Daemon.Hosting;

/// <summary>
/// Logs go to standard error: with the time for people. Where that leads to the journal, they go there with their fields;
/// lines with priorities stand in for what the journal does not take.
/// </summary>
internal static class LogSetup
{
    private const string ForPeople = "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {Message:l}{NewLine}{Exception}";
    private const string ForJournal = "{Message:l}{NewLine}{Exception}";

    /// <summary>A level as the log's own library has it.</summary>
    public static LogEventLevel LevelOf(LogLevel level) => (LogEventLevel)level;

    /// <param name="level">What is logged at least; may change.</param>
    public static Logger Create(LoggingLevelSwitch level)
    {
        bool toJournal = GoesToJournal();
        var text = new MessageTemplateTextFormatter(toJournal ? ForJournal : ForPeople, CultureInfo.InvariantCulture);
        ITextFormatter formatter = toJournal ? new JournalFormatter(text) : text;
        var lines = new LoggerConfiguration()
            .MinimumLevel.Verbose()
            .WriteTo.Console(formatter, standardErrorFromLevel: LogEventLevel.Verbose)
            .CreateLogger();
        return new LoggerConfiguration()
            .MinimumLevel.ControlledBy(level)
            // The host's own remarks repeat ours.
            .MinimumLevel.Override("Microsoft", LogEventLevel.Fatal)
            .MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
            .WriteTo.Sink(toJournal ? new JournalSink(JournalSink.JournalPath, text, lines) : lines)
            .CreateLogger();
    }

    /// <summary>What a line on standard error begins with that tells of a failure.</summary>
    public static string ErrorPrefix() => GoesToJournal() ? $"<{JournalSink.PriorityOf(LogEventLevel.Error)}>dmio-nbd: " : "dmio-nbd: ";

    /// <summary>Whether standard error is the very stream that systemd says leads to the journal.</summary>
    private static unsafe bool GoesToJournal()
    {
        const int standardError = 2;
        if (Environment.GetEnvironmentVariable("JOURNAL_STREAM")?.Split(':') is not [var device, var inode])
            return false;
        StatXBuffer stat;
        if (Libc.StatX(standardError, "", LinuxConstants.AT_EMPTY_PATH, LinuxConstants.STATX_BASIC_STATS, &stat) != 0)
            return false;
        // The kernel's way to put major and minor into one number (makedev(3)).
        ulong number = ((stat.DevMajor & 0xffff_f000ul) << 32) | ((stat.DevMajor & 0xffful) << 8)
            | ((stat.DevMinor & 0xffff_ff00ul) << 12) | (stat.DevMinor & 0xfful);
        return device == number.ToString(CultureInfo.InvariantCulture)
            && inode == stat.Inode.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Begins each event with its priority, as sd-daemon(3) has it.</summary>
    private sealed class JournalFormatter(ITextFormatter inner) : ITextFormatter
    {
        public void Format(LogEvent logEvent, TextWriter output)
        {
            output.Write($"<{JournalSink.PriorityOf(logEvent.Level)}>");
            inner.Format(logEvent, output);
        }
    }
}
