using System.CommandLine;
using System.Text.Json;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Control;
using DmIo.Mapper;

namespace DmIo.Daemon.Verbs;

/// <summary>Replays a log of writes; it needs no daemon.</summary>
internal static class ReplayVerb
{
    private static readonly Argument<string> s_log = new("LOG")
    {
        Description = "The log device of a log-writes target that was stopped, or a copy of it",
    };

    private static readonly Argument<string?> s_device = new("DEVICE")
    {
        Description = "The file or disk to which it is done; left out with --list",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> s_list = ServeOptions.Flag("--list", "List the entries and change nothing");

    private static readonly Option<long?> s_fromEntry =
        new("--from-entry") { HelpName = "N", Description = "Begin with this entry [default: 0]" };

    private static readonly Option<string> s_fromMark = ServeOptions.Text("--from-mark", "TEXT", "Begin behind this mark");

    private static readonly Option<long?> s_toEntry =
        new("--to-entry") { HelpName = "N", Description = "End before this entry [default: the end of the log]" };

    private static readonly Option<string> s_toMark =
        ServeOptions.Text("--to-mark", "TEXT", "End before the first such mark behind the beginning");

    public static Command Command(VerbCommands verbs) => verbs.MakeAlone(
        "replay-log", "Do to a device what a log of writes says, without a daemon",
        [s_log, s_device, s_list, s_fromEntry, s_fromMark, s_toEntry, s_toMark], RunAsync);

    private static async Task RunAsync(VerbContext context)
    {
        string? device = context.Get(s_device);
        bool list = context.Get(s_list);
        if (list == (device is not null))
            throw Usage("say either the DEVICE to which the log is replayed, or --list");
        LogWritesRange range = RangeOf(context);
        if (list && range != new LogWritesRange())
            throw Usage("--list shows all entries; leave --from-... and --to-... out");
        using KernelLoop loop = KernelLoop.Open("replay", LoopBackend.Auto, out _);
        loop.Start();
        try
        {
            await using FileDevice log = await OpenAsync(loop, context.Get(s_log)!, readOnly: true);
            LogWritesReplay replay = await LogWritesReplay.OpenAsync(log);
            if (list)
                await ListAsync(context, await replay.ReadEntriesAsync());
            else
                await ReplayAsync(context, replay, loop, device!, range);
        }
        catch (IOException e)
        {
            throw new VerbException(ExitCode.Failure, e.Message);
        }
        catch (ArgumentException e)
        {
            throw Usage(e.Message);
        }
    }

    private static LogWritesRange RangeOf(VerbContext context)
    {
        var range = new LogWritesRange
        {
            FromEntry = context.Get(s_fromEntry) ?? 0,
            ToEntry = context.Get(s_toEntry),
            FromMark = context.Get(s_fromMark),
            ToMark = context.Get(s_toMark),
        };
        if (range.FromMark is not null && context.Get(s_fromEntry) is not null)
            throw Usage("--from-entry and --from-mark do not go together; say one");
        if (range.ToMark is not null && range.ToEntry is not null)
            throw Usage("--to-entry and --to-mark do not go together; say one");
        return range;
    }

    private static async Task ListAsync(VerbContext context, IReadOnlyList<LogWritesEntry> entries)
    {
        IReadOnlyList<WriteLogEntryInfo> all = [.. entries.Select(WriteLogEntryInfo.Of)];
        if (context.Json)
        {
            string json = JsonSerializer.Serialize(all, ControlJson.Default.IReadOnlyListWriteLogEntryInfo);
            await VerbContext.Out.WriteLineAsync(json);
            return;
        }
        foreach (WriteLogEntryInfo entry in all)
        {
            string mark = entry.Mark is null ? "" : $" {entry.Mark}";
            await VerbContext.Out.WriteLineAsync(
                $"{entry.Index} {entry.StartSector} {entry.LengthSectors} {string.Join(',', entry.Kind)}{mark}");
        }
    }

    private static async Task ReplayAsync(
        VerbContext context, LogWritesReplay replay, KernelLoop loop, string device, LogWritesRange range)
    {
        await using FileDevice target = await OpenAsync(loop, device, readOnly: false);
        long replayed = await replay.ReplayAsync(target, range);
        if (context.Json)
        {
            string json = JsonSerializer.Serialize(new ReplayInfo(replay.EntryCount, replayed), ControlJson.Default.ReplayInfo);
            await VerbContext.Out.WriteLineAsync(json);
        }
        else
        {
            await VerbContext.Out.WriteLineAsync($"{replayed} of {replay.EntryCount} entries replayed");
        }
    }

    private static Task<FileDevice> OpenAsync(KernelLoop loop, string path, bool readOnly) => loop.InvokeAsync(
        () => ValueTask.FromResult(
            FileDevice.Open(loop, new FileDeviceOptions { Path = Path.GetFullPath(path), ReadOnly = readOnly })));

    private static VerbException Usage(string message) => new(ExitCode.Usage, message);
}
