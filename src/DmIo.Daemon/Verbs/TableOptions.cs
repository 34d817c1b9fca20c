using System.CommandLine;
using System.Text;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Control;

namespace DmIo.Daemon.Verbs;

/// <summary>How a table is given, and what else is said for its mirrors.</summary>
internal static class TableOptions
{
    private const string StandardInput = "-";

    private static readonly Option<string> s_table = new("--table")
    {
        HelpName = "FILE",
        Description =
            $"The table, lines as dmsetup takes them; {StandardInput} is standard input. Relative paths in it start where those "
            + "of the daemon's configuration do",
        Required = true,
    };

    private static readonly Option<int?> s_syncFrom = new("--sync-from")
    {
        HelpName = "LEG",
        Description = "Copy this leg (0 is the first) over the others, where legs may differ",
    };

    private static readonly Option<bool> s_force =
        ServeOptions.Flag("--force", "With --sync-from: give up what only other legs hold");

    private static readonly Option<bool> s_assumeClean =
        ServeOptions.Flag("--assume-clean", "A new mirror of legs with contents: they are the same already");

    private static readonly Option<bool> s_degraded =
        ServeOptions.Flag("--degraded", "Do without legs that cannot be had");

    public static IReadOnlyList<Option> All => [s_table, s_syncFrom, s_force, s_assumeClean, s_degraded];

    /// <summary>What was said of the table.</summary>
    public static async Task<TableRequest> ReadAsync(VerbContext context) => new()
    {
        Table = await TextAsync(context.Get(s_table)!),
        SyncFrom = context.Get(s_syncFrom),
        Force = context.Get(s_force),
        AssumeClean = context.Get(s_assumeClean),
        Degraded = context.Get(s_degraded),
    };

    private static async Task<string> TextAsync(string file)
    {
        try
        {
            return file == StandardInput
                ? await Console.In.ReadToEndAsync()
                : await File.ReadAllTextAsync(file, Encoding.UTF8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VerbException(ExitCode.Usage, $"--table: {file} cannot be read: {e.Message}");
        }
    }
}
