using System.Text.Json;
using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>Events as lines of JSON, those that are kept and, if asked for, those to come.</summary>
internal static class EventStream
{
    public const string ContentType = "application/x-ndjson";

    private static readonly byte[] s_lineEnd = "\n"u8.ToArray();

    public static async Task WriteAsync(ControlCall call, EventRing events)
    {
        long last = call.Number("after") ?? 0;
        bool follow = call.Flag("follow");
        string? volume = call.Query("volume");
        call.Response.ContentType = ContentType;
        while (true)
        {
            foreach (VolumeEvent e in events.Since(last))
            {
                last = e.Sequence;
                if (volume is not null && e.Volume != volume)
                    continue;
                await JsonSerializer.SerializeAsync(
                    call.Response.Body, EventInfo.Of(e), ControlJson.Default.EventInfo, call.Ended);
                await call.Response.Body.WriteAsync(s_lineEnd, call.Ended);
            }
            // Whoever follows sees what there is so far, if only that there is nothing.
            await call.Response.Body.FlushAsync(call.Ended);
            if (!follow)
                return;
            await events.WaitAsync(last, call.Ended);
        }
    }
}
