using System.CommandLine;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;

namespace DmIo.Daemon.Verbs;

/// <summary>Verbs that change a mirror's legs.</summary>
internal static class LegVerbs
{
    private static readonly Argument<string> s_leg = new("LEG")
    {
        Description = "The leg: its number, counted from 0, or its device as the table has it",
    };

    private static readonly Argument<string> s_device = new("PATH")
    {
        Description = "The new leg: a file, a disk, or dm:NAME for a mapped device",
    };

    private static readonly Option<long> s_offset = new("--offset")
    {
        HelpName = "SECTORS",
        Description = "Where the mirror's first sector lies on the new leg [default: 0]",
    };

    public static Command Command(VerbCommands verbs) => new("leg", "Change the legs of a mirror while it serves")
    {
        verbs.Make(
            "fail", "Take a leg out of the set until it is cleared, also after a restart", [VerbCommands.Volume, s_leg],
            context => context.DoAsync(HttpMethod.Post, $"{LegOf(context)}/fail")),
        verbs.Make(
            "clear", "Forget what a leg has failed; if it is out of the set, it returns if it answers",
            [VerbCommands.Volume, s_leg], context => context.DoAsync(HttpMethod.Post, $"{LegOf(context)}/clear")),
        verbs.Make(
            "add", "Add a leg behind the others, until the daemon ends; what it lacks is copied to it",
            [VerbCommands.Volume, s_device, s_offset], AddAsync),
        verbs.Make(
            "remove", "Take a leg out of the mirror, until the daemon ends; those behind it move up",
            [VerbCommands.Volume, s_leg], RemoveAsync),
        verbs.Make(
            "replace", "Put another leg in the place of one, which serves until the new one is in sync; interrupted, the same "
            + "command goes on", [VerbCommands.Volume, s_leg, s_device, s_offset], ReplaceAsync),
    };

    /// <summary>A device as the daemon understands it, whatever its directory is.</summary>
    public static string DeviceOf(string text) => MappedName.Of(text) is null ? Path.GetFullPath(text) : text;

    private static string PathOf(VerbContext context) => $"{SeeingVerbs.PathOf(context.Get(VerbCommands.Volume)!)}/legs";

    private static string LegOf(VerbContext context) =>
        $"{PathOf(context)}/{ControlClient.Escape(context.Get(s_leg)!)}";

    private static LegRequest RequestOf(VerbContext context) =>
        new() { Device = DeviceOf(context.Get(s_device)!), OffsetSectors = context.Get(s_offset) };

    private static Task AddAsync(VerbContext context) =>
        context.DoAsync(HttpMethod.Post, PathOf(context), RequestOf(context), ControlJson.Default.LegRequest);

    private static Task RemoveAsync(VerbContext context) => context.DoAsync(HttpMethod.Delete, LegOf(context));

    private static async Task ReplaceAsync(VerbContext context)
    {
        Task replacing = context.DoAsync(
            HttpMethod.Put, LegOf(context), RequestOf(context), ControlJson.Default.LegRequest, context.Interrupted);
        await SyncProgress.ShowAsync(context, context.Get(VerbCommands.Volume)!, replacing, SyncProgress.Sync);
        await replacing;
    }
}
