using System.CommandLine;
using System.Globalization;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Control;

namespace DmIo.Daemon.Verbs;

/// <summary>Verbs that change mapped devices.</summary>
internal static class DeviceVerbs
{
    private static readonly Argument<string> s_name = new("NAME") { Description = "The new device's name" };

    private static readonly Argument<long> s_sector = new("SECTOR")
    {
        Description = "A sector that the target serves",
        CustomParser = result =>
        {
            string word = result.Tokens[0].Value;
            if (!long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long sector))
                result.AddError($"SECTOR: '{word}' is no number; write a 512-byte sector of the device, such as 0");
            return sector;
        },
    };

    private static readonly Argument<string[]> s_words = new("WORD")
    {
        Description = "The message",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<bool> s_direct = ServeOptions.Flag("--direct", "Open its files and disks with O_DIRECT");

    private static readonly Option<bool> s_readOnly =
        ServeOptions.Flag("--read-only", "Open its files and disks for reading alone");

    private static readonly Option<bool> s_noFlush =
        ServeOptions.Flag("--noflush", "Do not make durable what was acknowledged");

    public static IEnumerable<Command> Commands(VerbCommands verbs) =>
    [
        verbs.Make(
            "create", "Make a mapped device; it lasts as long as the daemon runs, and belongs into its configuration if it is to "
            + "be there again after a restart", [s_name, s_direct, s_readOnly, .. TableOptions.All], CreateAsync),
        verbs.Make("remove", "Flush and remove a mapped device that nobody uses", [VerbCommands.Volume], RemoveAsync),
        verbs.Make(
            "reload", "Load a table, until the daemon ends; the next resume takes it", [VerbCommands.Volume, .. TableOptions.All],
            ReloadAsync),
        verbs.Make("clear", "Forget the table that was loaded", [VerbCommands.Volume], ClearAsync),
        verbs.Make(
            "suspend", "Hold requests back, and wait until those under way have ended", [VerbCommands.Volume, s_noFlush],
            SuspendAsync),
        verbs.Make(
            "resume", "Take the table that was loaded, if any, and serve requests again", [VerbCommands.Volume], ResumeAsync),
        verbs.Make("message", "Send a message to a target", [VerbCommands.Volume, s_sector, s_words], MessageAsync),
    ];

    private static string PathOf(VerbContext context) => SeeingVerbs.PathOf(context.Get(VerbCommands.Volume)!);

    private static async Task CreateAsync(VerbContext context)
    {
        TableRequest table = await TableOptions.ReadAsync(context);
        var request = new CreateRequest
        {
            Name = context.Get(s_name)!,
            Table = table.Table,
            SyncFrom = table.SyncFrom,
            Force = table.Force,
            AssumeClean = table.AssumeClean,
            Degraded = table.Degraded,
            Direct = context.Get(s_direct),
            ReadOnly = context.Get(s_readOnly),
        };
        await context.DoAsync(HttpMethod.Post, "volumes", request, ControlJson.Default.CreateRequest);
    }

    private static Task RemoveAsync(VerbContext context) => context.DoAsync(HttpMethod.Delete, PathOf(context));

    private static async Task ReloadAsync(VerbContext context) => await context.DoAsync(
        HttpMethod.Put, $"{PathOf(context)}/inactive-table", await TableOptions.ReadAsync(context),
        ControlJson.Default.TableRequest);

    private static Task ClearAsync(VerbContext context) =>
        context.DoAsync(HttpMethod.Delete, $"{PathOf(context)}/inactive-table");

    private static Task SuspendAsync(VerbContext context) => context.DoAsync(
        HttpMethod.Post, $"{PathOf(context)}/suspend?noflush={(context.Get(s_noFlush) ? "true" : "false")}");

    private static Task ResumeAsync(VerbContext context) => context.DoAsync(HttpMethod.Post, $"{PathOf(context)}/resume");

    private static async Task MessageAsync(VerbContext context)
    {
        var request = new MessageRequest { Sector = context.Get(s_sector), Words = context.Get(s_words)! };
        string path = $"{PathOf(context)}/message";
        if (context.Json)
        {
            await context.DoAsync(HttpMethod.Post, path, request, ControlJson.Default.MessageRequest);
            return;
        }
        MessageAnswer answer = await context.Client.AskAsync(
            HttpMethod.Post, path, request, ControlJson.Default.MessageRequest, ControlJson.Default.MessageAnswer);
        if (answer.Text.Length > 0)
            await VerbContext.Out.WriteLineAsync(answer.Text);
    }
}
