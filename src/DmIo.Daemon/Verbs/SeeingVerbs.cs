using System.CommandLine;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Control;

namespace DmIo.Daemon.Verbs;

/// <summary>Verbs that show how things are.</summary>
internal static class SeeingVerbs
{
    private const string Volumes = "volumes";

    private static readonly Option<bool> s_inactive =
        ServeOptions.Flag("--inactive", "Show the table that the next resume takes instead of the live one");

    private static readonly Option<bool> s_watch =
        ServeOptions.Flag("--watch", "Go on showing it as it changes, until Ctrl-C");

    public static IEnumerable<Command> Commands(VerbCommands verbs) =>
    [
        verbs.Make("ls", "List the mapped devices", [], ListAsync),
        verbs.Make("info", "Tell of mapped devices as dmsetup does", [VerbCommands.AnyVolume], InfoAsync),
        verbs.Make("table", "Show tables; what is printed can be loaded again", [VerbCommands.AnyVolume, s_inactive], TableAsync),
        verbs.Make("status", "Show the status of each target", [VerbCommands.AnyVolume, s_watch], StatusAsync),
        verbs.Make("deps", "List what mapped devices stand on", [VerbCommands.AnyVolume], DependenciesAsync),
        verbs.Make("connections", "List the NBD clients", [], ConnectionsAsync),
    ];

    /// <summary>Where the daemon tells of a volume.</summary>
    public static string PathOf(string volume) => $"{Volumes}/{ControlClient.Escape(volume)}";

    private static async Task ListAsync(VerbContext context)
    {
        if (context.Json)
        {
            await context.PrintJsonAsync(Volumes);
            return;
        }
        IReadOnlyList<VolumeInfo> volumes = await AllAsync(context);
        if (context.IsForPeople)
            VerbContext.Terminal.Write(VolumeTables.Volumes(volumes));
        else if (volumes.Count == 0)
            await VerbContext.Out.WriteLineAsync("No devices found");
        else
            await PrintAsync(volumes.Select(v => v.Name));
    }

    private static async Task InfoAsync(VerbContext context)
    {
        if (await ReadAsync(context) is { } volumes)
            await PrintAsync(volumes.SelectMany(v => (string[])[v.InfoText, ""]));
    }

    private static async Task TableAsync(VerbContext context)
    {
        bool inactive = context.Get(s_inactive);
        if (await ReadAsync(context) is { } volumes)
            await PrintLinesAsync(context, volumes, v => inactive ? v.InactiveTable ?? [] : v.Table);
    }

    private static async Task StatusAsync(VerbContext context)
    {
        if (context.Get(s_watch))
            await StatusWatch.RunAsync(context, context.Get(VerbCommands.AnyVolume));
        else if (await ReadAsync(context) is not { } volumes)
            return;
        else if (context.IsForPeople)
            VerbContext.Terminal.Write(VolumeTables.Status(volumes, [], null));
        else
            await PrintLinesAsync(context, volumes, v => v.Status);
    }

    private static async Task DependenciesAsync(VerbContext context)
    {
        if (await ReadAsync(context) is { } volumes)
        {
            await PrintLinesAsync(context, volumes, v =>
                [$"{v.Dependencies.Count} dependencies\t:{string.Concat(v.Dependencies.Select(d => $" ({d})"))}"]);
        }
    }

    private static async Task ConnectionsAsync(VerbContext context)
    {
        if (context.Json)
        {
            await context.PrintJsonAsync("connections");
            return;
        }
        IReadOnlyList<ConnectionInfo> connections =
            await context.Client.GetAsync("connections", ControlJson.Default.IReadOnlyListConnectionInfo);
        if (context.IsForPeople)
        {
            VerbContext.Terminal.Write(ConnectionTable.Of(connections));
            return;
        }
        await PrintAsync(connections.Select(c => string.Join('\t',
            c.Id, c.Export ?? "-", c.Peer, c.InFlight, c.Requests, c.Errors, c.BytesRead, c.BytesWritten,
            ConnectionTable.TlsOf(c))));
    }

    /// <summary>The volumes that are meant; null when they were printed as JSON.</summary>
    public static async Task<IReadOnlyList<VolumeInfo>?> ReadAsync(VerbContext context)
    {
        string? volume = context.Get(VerbCommands.AnyVolume);
        if (context.Json)
        {
            await context.PrintJsonAsync(volume is null ? Volumes : PathOf(volume));
            return null;
        }
        return await ReadAsync(context, volume);
    }

    /// <summary>One volume, or all of them.</summary>
    public static async Task<IReadOnlyList<VolumeInfo>> ReadAsync(VerbContext context, string? volume) =>
        volume is null
            ? await AllAsync(context)
            : [await context.Client.GetAsync(PathOf(volume), ControlJson.Default.VolumeInfo)];

    /// <summary>Lines as dmsetup prints them: behind the device's name when several are shown.</summary>
    public static Task PrintLinesAsync(
        VerbContext context, IReadOnlyList<VolumeInfo> volumes, Func<VolumeInfo, IEnumerable<string>> lines)
    {
        bool named = context.Get(VerbCommands.AnyVolume) is null;
        return PrintAsync(volumes.SelectMany(v => lines(v).Select(line => named ? $"{v.Name}: {line}" : line)));
    }

    private static Task<IReadOnlyList<VolumeInfo>> AllAsync(VerbContext context) =>
        context.Client.GetAsync(Volumes, ControlJson.Default.IReadOnlyListVolumeInfo);

    private static async Task PrintAsync(IEnumerable<string> lines)
    {
        foreach (string line in lines)
            await VerbContext.Out.WriteLineAsync(line);
    }
}
