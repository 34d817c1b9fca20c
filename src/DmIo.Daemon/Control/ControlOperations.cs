using DmIo.Daemon.Hosting;
using Microsoft.AspNetCore.Http;

namespace DmIo.Daemon.Control;

/// <summary>All that can be asked for, in the order in which it is described.</summary>
internal static class ControlOperations
{
    private static ControlJson Json => ControlJson.Default;

    public static IReadOnlyList<Operation> Of(RunningVolumes volumes, VolumeReader reader, VolumeChanges changes)
    {
        var operations = new List<Operation>();
        operations.AddRange(Reading(reader, volumes));
        operations.AddRange(ChangeOperations.Of(changes));
        operations.Add(Description(operations));
        return operations;
    }

    private static IEnumerable<Operation> Reading(VolumeReader reader, RunningVolumes volumes) =>
    [
        new("GET", "/v1/daemon", "Tells of the daemon itself", call => call.AnswerAsync(reader.Daemon, Json.DaemonInfo))
        {
            Response = Json.DaemonInfo,
        },
        new("GET", "/v1/volumes", "Lists the mapped devices, each behind those that it stands on",
            async call => await call.AnswerAsync(await reader.VolumesAsync(), Json.IReadOnlyListVolumeInfo))
        {
            Response = Json.IReadOnlyListVolumeInfo,
        },
        new("GET", "/v1/volumes/{volume}", "Tells of a mapped device: tables, status, who uses it",
            async call => await call.AnswerAsync(await reader.VolumeAsync(call["volume"]), Json.VolumeInfo))
        {
            Response = Json.VolumeInfo,
        },
        new("GET", "/v1/volumes/{volume}/wait", "Answers when the device's event number is above another",
            async call => await call.AnswerAsync(
                await reader.WaitAsync(call["volume"], call.Number("above"), call.Ended), Json.EventNumberInfo))
        {
            Query = [new("above", "integer", "The number to exceed; without it, the one that the device has now.")],
            Response = Json.EventNumberInfo,
        },
        new("GET", "/v1/volumes/{volume}/regions", "Shows a mirror's regions in cells of the same size",
            async call => await call.AnswerAsync(
                await reader.RegionsAsync(call["volume"], call.Number("cells"), call.Number("sector")), Json.RegionMapInfo))
        {
            Query =
            [
                new("cells", "integer", "How many, at most."),
                new("sector", "integer", "A sector of the mirror that is meant, where the device has several."),
            ],
            Response = Json.RegionMapInfo,
        },
        new("GET", "/v1/events", "Tells what happened, a JSON document a line, oldest first; the daemon keeps the latest",
            call => EventStream.WriteAsync(call, volumes.Events))
        {
            Query =
            [
                new("after", "integer", "Only events with a higher sequence number."),
                new("follow", "boolean", "Go on as events happen, until the connection is closed."),
                new("volume", "string", "Only events of this device."),
            ],
            Response = Json.EventInfo,
            ResponseContentType = EventStream.ContentType,
        },
        new("GET", "/v1/exports", "Lists the exports",
            async call => await call.AnswerAsync(await reader.ExportsAsync(), Json.IReadOnlyListExportInfo))
        {
            Response = Json.IReadOnlyListExportInfo,
        },
        new("GET", "/v1/connections", "Lists the NBD connections, half-open ones included",
            async call => await call.AnswerAsync(await reader.ConnectionsAsync(), Json.IReadOnlyListConnectionInfo))
        {
            Response = Json.IReadOnlyListConnectionInfo,
        },
    ];

    private static Operation Description(IEnumerable<Operation> operations)
    {
        var text = new Lazy<string>(() => OpenApiDocument.Write(operations, VolumeReader.Version));
        return new("GET", "/openapi.json", "Describes this interface", call =>
        {
            call.Response.StatusCode = StatusCodes.Status200OK;
            call.Response.ContentType = "application/json";
            return call.Response.WriteAsync(text.Value, call.Ended);
        });
    }
}
