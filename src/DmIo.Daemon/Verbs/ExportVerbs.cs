using System.CommandLine;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;

namespace DmIo.Daemon.Verbs;

/// <summary>Verbs that change exports.</summary>
internal static class ExportVerbs
{
    private static readonly Argument<string> s_name = new("NAME") { Description = "The export's name" };

    private static readonly Option<string> s_device = ServeOptions.Text(
        "--device", "DEVICE", "A file, a disk, or dm:NAME for a mapped device [default: dm: and the export's name]");

    private static readonly Option<bool> s_readOnly = ServeOptions.Flag("--read-only", "Refuse changes");

    private static readonly Option<bool> s_default =
        ServeOptions.Flag("--default", "Clients that name no export get this one");

    private static readonly Option<bool> s_hidden =
        ServeOptions.Flag("--hidden", "Leave it out of lists of exports; who knows its name is served");

    private static readonly Option<bool> s_requireTls =
        ServeOptions.Flag("--require-tls", "Keep it from clients without TLS, where that is a matter of exports");

    private static readonly Option<string> s_description =
        ServeOptions.Text("--description", "TEXT", "A line for people who list the exports");

    public static Command Command(VerbCommands verbs) => new("export", "Add and remove exports")
    {
        verbs.Make(
            "add", "Add an export, which lasts as long as the daemon runs",
            [s_name, s_device, s_readOnly, s_default, s_hidden, s_requireTls, s_description], AddAsync),
        verbs.Make(
            "remove", "Remove an export: what its clients asked for is finished, then they are let go", [s_name], RemoveAsync),
        verbs.Make("ls", "List the exports", [], ListAsync),
    };

    private static Task AddAsync(VerbContext context)
    {
        var request = new ExportRequest
        {
            Name = context.Get(s_name)!,
            Device = context.Get(s_device) is { } device ? LegVerbs.DeviceOf(device) : null,
            ReadOnly = context.Get(s_readOnly),
            Default = context.Get(s_default),
            Hidden = context.Get(s_hidden),
            RequireTls = context.Get(s_requireTls),
            Description = context.Get(s_description),
        };
        return context.DoAsync(HttpMethod.Post, "exports", request, ControlJson.Default.ExportRequest);
    }

    private static Task RemoveAsync(VerbContext context) =>
        context.DoAsync(HttpMethod.Delete, $"exports/{ControlClient.Escape(context.Get(s_name)!)}");

    private static async Task ListAsync(VerbContext context)
    {
        if (context.Json)
        {
            await context.PrintJsonAsync("exports");
            return;
        }
        IReadOnlyList<ExportInfo> exports =
            await context.Client.GetAsync("exports", ControlJson.Default.IReadOnlyListExportInfo);
        foreach (ExportInfo export in exports)
        {
            string access = export.ReadOnly ? "read-only" : "read-write";
            await VerbContext.Out.WriteLineAsync(
                $"{export.Name}\t{export.Device}\t{ByteSize.Format(export.SizeBytes)}\t{access}\t{export.Connections}{(export.Hidden ? "\thidden" : "")}");
        }
    }
}
