using System.Globalization;
using DmIo.Linux;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Display;

namespace DmIo.Daemon.Hosting;

/// <summary>Logs go to standard error: with the time for people, with priorities for the journal.</summary>
internal static class LogSetup
{
    private const string ForPeople = "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {Message:l}{NewLine}{Exception}";
    private const string ForJournal = "{Message:l}{NewLine}{Exception}";

    /// <summary>A level as the log's own library has it.</summary>
    public static LogEventLevel LevelOf(LogLevel level) => (LogEventLevel)level;

    /// <param name="level">What is logged at least; may change.</param>
    public static Logger Create(LoggingLevelSwitch level)
    {
        ITextFormatter formatter = GoesToJournal()
            ? new JournalFormatter(new MessageTemplateTextFormatter(ForJournal, CultureInfo.InvariantCulture))
            : new MessageTemplateTextFormatter(ForPeople, CultureInfo.InvariantCulture);
        return new LoggerConfiguration()
            .MinimumLevel.ControlledBy(level)
            // The host's own remarks repeat ours.
            .MinimumLevel.Override("Microsoft", LogEventLevel.Fatal)
            .MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
            .WriteTo.Console(formatter, standardErrorFromLevel: LogEventLevel.Verbose)
            .CreateLogger();
    }

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
            int priority = logEvent.Level switch
            {
                LogEventLevel.Fatal => 2,
                LogEventLevel.Error => 3,
                LogEventLevel.Warning => 4,
                LogEventLevel.Information => 6,
                _ => 7,
            };
            output.Write($"<{priority}>");
            inner.Format(logEvent, output);
        }
    }
}
