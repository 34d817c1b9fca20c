using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Control;
using Spectre.Console;

namespace DmIo.Daemon.Verbs;

/// <summary>Verbs that tell what happens.</summary>
internal static class WaitingVerbs
{
    private static readonly Argument<long?> s_event = new("EVENT")
    {
        Description = "Wait for a higher event number than this [default: the one that the device has now]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> s_follow =
        ServeOptions.Flag("--follow", "Go on as events happen, until Ctrl-C");

    private static readonly Option<long?> s_after = new("--after")
    {
        HelpName = "SEQUENCE",
        Description = "Only events behind this one, to go on where an earlier look ended",
    };

    public static IEnumerable<Command> Commands(VerbCommands verbs) =>
    [
        verbs.Make(
            "wait", "Wait until something happens to a device, and print its event number; to go on, wait for that one",
            [VerbCommands.Volume, s_event], WaitAsync),
        verbs.Make("events", "Tell what happened; the daemon keeps the latest", [VerbCommands.AnyVolume, s_follow, s_after], EventsAsync),
    ];

    private static async Task WaitAsync(VerbContext context)
    {
        string above = context.Get(s_event) is { } number ? $"?above={number}" : "";
        string path = $"{SeeingVerbs.PathOf(context.Get(VerbCommands.Volume)!)}/wait{above}";
        if (context.Json)
        {
            await context.PrintJsonAsync(path);
            return;
        }
        EventNumberInfo now = await context.Client.GetAsync(path, ControlJson.Default.EventNumberInfo);
        await VerbContext.Out.WriteLineAsync($"{now.EventNumber}");
    }

    private static async Task EventsAsync(VerbContext context)
    {
        string path = $"events?follow={(context.Get(s_follow) ? "true" : "false")}";
        if (context.Get(s_after) is { } after)
            path += string.Create(CultureInfo.InvariantCulture, $"&after={after}");
        if (context.Get(VerbCommands.AnyVolume) is { } volume)
            path += $"&volume={ControlClient.Escape(volume)}";
        await foreach (string line in context.Client.LinesAsync(path))
        {
            if (context.Json)
            {
                await VerbContext.Out.WriteLineAsync(line);
                continue;
            }
            EventInfo e = JsonSerializer.Deserialize(line, ControlJson.Default.EventInfo)!;
            string who = e.Volume.Length == 0 ? "" : $"{e.Volume}: ";
            string text = string.Create(
                CultureInfo.InvariantCulture, $"{e.Time.ToLocalTime():yyyy-MM-dd HH:mm:ss.fff} {e.Sequence} {who}{e.Text}");
            if (context.IsForPeople && IsTrouble(e.Kind))
                VerbContext.Terminal.Write(new Text(text + "\n", Color.Red));
            else
                await VerbContext.Out.WriteLineAsync(text);
        }
    }

    private static bool IsTrouble(string kind) =>
        kind.EndsWith("Failed", StringComparison.Ordinal) || kind is "legLeft" or "recoveryIncomplete" or "mismatch" or EventInfo.LostKind;
}
