namespace DmIo.Daemon.Control;

/// <summary>The operations that change something.</summary>
internal static class ChangeOperations
{
    private static readonly QueryParameter[] s_scrubQuery =
    [
        new("anew", "boolean", "Begin at the beginning although an earlier one can be gone on with."),
        new("rate", "integer", "The most bytes per second; 0 is no limit."),
    ];

    private static ControlJson Json => ControlJson.Default;

    public static IEnumerable<Operation> Of(VolumeChanges changes) =>
    [
        .. Devices(changes), .. Tables(changes), .. Legs(changes), .. Scrubs(changes), .. Exports(changes),
    ];

    private static IEnumerable<Operation> Devices(VolumeChanges changes) =>
    [
        new("POST", "/v1/volumes", "Makes a mapped device, which lasts as long as the daemon runs",
            async call => await call.AnswerAsync(
                await changes.CreateAsync(await call.ReadAsync(Json.CreateRequest), call.Ended), Json.VolumeInfo))
        {
            Request = Json.CreateRequest,
            Response = Json.VolumeInfo,
        },
        new("DELETE", "/v1/volumes/{volume}", "Flushes and removes a mapped device that nobody uses",
            call => changes.RemoveAsync(call["volume"], call.Ended)),
        new("POST", "/v1/volumes/{volume}/suspend", "Holds requests back; answers when those under way have ended",
            call => changes.SuspendAsync(call["volume"], !call.Flag("noflush"), call.Ended))
        {
            Query = [new("noflush", "boolean", "Do not make durable what was acknowledged.")],
        },
        new("POST", "/v1/volumes/{volume}/resume", "Takes the table that was loaded, if any, and serves requests again",
            call => changes.ResumeAsync(call["volume"], call.Ended)),
        new("POST", "/v1/volumes/{volume}/message", "Sends a message to a target",
            async call => await call.AnswerAsync(
                await changes.MessageAsync(call["volume"], await call.ReadAsync(Json.MessageRequest)), Json.MessageAnswer))
        {
            Request = Json.MessageRequest,
            Response = Json.MessageAnswer,
        },
    ];

    private static IEnumerable<Operation> Tables(VolumeChanges changes) =>
    [
        new("PUT", "/v1/volumes/{volume}/inactive-table", "Loads a table that the next resume takes",
            async call => await changes.LoadAsync(call["volume"], await call.ReadAsync(Json.TableRequest), call.Ended))
        {
            Request = Json.TableRequest,
        },
        new("DELETE", "/v1/volumes/{volume}/inactive-table", "Forgets the table that was loaded",
            call => changes.ClearAsync(call["volume"], call.Ended)),
    ];

    private static IEnumerable<Operation> Legs(VolumeChanges changes) =>
    [
        new("POST", "/v1/volumes/{volume}/legs", "Gives the device's mirror another leg, behind the others",
            async call => await changes.AddLegAsync(call["volume"], await call.ReadAsync(Json.LegRequest), call.Ended))
        {
            Request = Json.LegRequest,
        },
        new("PUT", "/v1/volumes/{volume}/legs/{leg}",
            "Puts another leg in the place of one; answers when it is in sync, and goes on when it is asked for again",
            async call => await changes.ReplaceLegAsync(
                call["volume"], call["leg"], await call.ReadAsync(Json.LegRequest), call.Ended))
        {
            Request = Json.LegRequest,
        },
        new("POST", "/v1/volumes/{volume}/legs/{leg}/fail", "Takes a leg out of the set until it is cleared, also after a restart",
            call => changes.FailLegAsync(call["volume"], call["leg"])),
        new("POST", "/v1/volumes/{volume}/legs/{leg}/clear", "Forgets what a leg has failed; it returns if it answers",
            call => changes.ClearLegAsync(call["volume"], call["leg"])),
        new("DELETE", "/v1/volumes/{volume}/legs/{leg}", "Takes a leg out of the device's mirror; those behind it move up",
            call => changes.RemoveLegAsync(call["volume"], call["leg"], call.Ended)),
    ];

    private static IEnumerable<Operation> Scrubs(VolumeChanges changes) =>
    [
        new("POST", "/v1/volumes/{volume}/check",
            "Compares the legs of a mirror; answers at the end. Who leaves ends it, and it goes on when it is asked for again",
            async call => await call.AnswerAsync(
                await changes.CheckAsync(call["volume"], call.Flag("anew"), call.Number("rate"), call.Ended),
                Json.ScrubReportInfo))
        {
            Query = s_scrubQuery,
            Response = Json.ScrubReportInfo,
        },
        new("POST", "/v1/volumes/{volume}/repair",
            "Makes the legs of a mirror alike; answers at the end. Who leaves ends it, and it goes on when it is asked for again",
            async call => await call.AnswerAsync(
                await changes.RepairAsync(
                    call["volume"], call.Query("from"), call.Flag("anew"), call.Number("rate"), call.Ended),
                Json.ScrubReportInfo))
        {
            Query = [new("from", "string", "The leg that is right; without it, what more than half of the legs have."), .. s_scrubQuery],
            Response = Json.ScrubReportInfo,
        },
        new("POST", "/v1/volumes/{volume}/grow", "Makes a device longer, and the files beneath its last line",
            async call => await changes.GrowAsync(call["volume"], await call.ReadAsync(Json.GrowRequest), call.Ended))
        {
            Request = Json.GrowRequest,
        },
    ];

    private static IEnumerable<Operation> Exports(VolumeChanges changes) =>
    [
        new("POST", "/v1/exports", "Adds an export, which lasts as long as the daemon runs",
            async call => await call.AnswerAsync(
                await changes.AddExportAsync(await call.ReadAsync(Json.ExportRequest), call.Ended), Json.ExportInfo))
        {
            Request = Json.ExportRequest,
            Response = Json.ExportInfo,
        },
        new("DELETE", "/v1/exports/{export}", "Removes an export: what its clients asked for is finished, then they are let go",
            call => changes.RemoveExportAsync(call["export"], call.Ended)),
    ];
}
