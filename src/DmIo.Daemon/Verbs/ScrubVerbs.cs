using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Configuration;
using DmIo.Daemon.Control;

namespace DmIo.Daemon.Verbs;

/// <summary>Verbs that compare a mirror's legs and make them alike, and make a device longer.</summary>
internal static class ScrubVerbs
{
    private static readonly Option<bool> s_anew =
        ServeOptions.Flag("--anew", "Begin at the beginning although an interrupted one can be gone on with");

    private static readonly Option<string> s_rate = ServeOptions.Text(
        "--rate", "SIZE", "The most bytes per second; 0 is no limit [default: as the mirror's options have it]");

    private static readonly Option<string> s_from = ServeOptions.Text("--from", "LEG", "This leg is right");

    private static readonly Option<bool> s_majority =
        ServeOptions.Flag("--majority", "What more than half of the legs have is right");

    private static readonly Argument<string> s_size = new("SIZE")
    {
        Description = "The new size; K M G T are powers of 1024",
    };

    public static IEnumerable<Command> Commands(VerbCommands verbs) =>
    [
        verbs.Make(
            "check", "Compare a mirror's legs while it serves, and exit 1 unless all of them are identical; interrupted, the same command goes on",
            [VerbCommands.Volume, s_anew, s_rate],
            context => ScrubAsync(context, "check", [])),
        verbs.Make(
            "repair", "Make a mirror's legs alike where they differ, while it serves; interrupted, the same command goes on",
            [VerbCommands.Volume, s_from, s_majority, s_anew, s_rate], RepairAsync),
        verbs.Make(
            "grow", "Make a device longer, and the files beneath its last line; clients see it when they connect anew",
            [VerbCommands.Volume, s_size], GrowAsync),
    ];

    private static Task RepairAsync(VerbContext context)
    {
        string? from = context.Get(s_from);
        if (from is null == !context.Get(s_majority))
        {
            throw new VerbException(
                ExitCode.Usage, "repair: say who is right: --from LEG, or --majority for what more than half of the legs have");
        }
        return ScrubAsync(context, "repair", from is null ? [] : [$"from={ControlClient.Escape(from)}"]);
    }

    private static async Task ScrubAsync(VerbContext context, string verb, string[] query)
    {
        string volume = context.Get(VerbCommands.Volume)!;
        query = [.. query, $"anew={(context.Get(s_anew) ? "true" : "false")}"];
        if (context.Get(s_rate) is { } rate)
            query = [.. query, $"rate={RateOf(rate).ToString(CultureInfo.InvariantCulture)}"];
        Task<string> scrub = context.Client.DoAsync(
            HttpMethod.Post, $"{SeeingVerbs.PathOf(volume)}/{verb}?{string.Join('&', query)}", context.Interrupted);
        await SyncProgress.ShowAsync(context, volume, scrub, SyncProgress.Scrub);
        string answer = await scrub;
        ScrubReportInfo report = JsonSerializer.Deserialize(answer, ControlJson.Default.ScrubReportInfo)!;
        if (context.Json)
            await VerbContext.Out.WriteLineAsync(answer);
        else
            await ScrubText.WriteAsync(VerbContext.Out, report);
        if (report.End != "complete")
            throw new VerbException(ExitCode.Failure, $"{volume}: the {verb} ended early ({report.End}); run it again to go on");
        if (report.Differing > report.Repaired || report.PassedOverRegions > 0)
            context.ExitCode = ExitCode.Failure;
    }

    private static long RateOf(string text)
    {
        if (text == "0")
            return 0;
        return ByteSize.TryParse(text, out long bytes)
            ? bytes
            : throw new VerbException(ExitCode.Usage, $"--rate: '{text}' is no rate; {ByteSize.Remedy}, or 0 for no limit");
    }

    private static Task GrowAsync(VerbContext context)
    {
        string text = context.Get(s_size)!;
        if (!ByteSize.TryParse(text, out long bytes))
            throw new VerbException(ExitCode.Usage, $"SIZE: '{text}' is no size; {ByteSize.Remedy}");
        if (bytes % Sectors.SizeBytes != 0)
            throw new VerbException(ExitCode.Usage, $"SIZE: {bytes} bytes are not a multiple of 512");
        var request = new GrowRequest { LengthSectors = bytes >> Sectors.Shift };
        return context.DoAsync(
            HttpMethod.Post, $"{SeeingVerbs.PathOf(context.Get(VerbCommands.Volume)!)}/grow", request,
            ControlJson.Default.GrowRequest);
    }
}
