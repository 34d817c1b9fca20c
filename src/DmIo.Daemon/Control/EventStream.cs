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
        long? after = call.Number("after");
        long last = after ?? 0;
        // Who says where to go on, or follows, is told of what is missing; others see what is kept.
        bool tellsLost = after is not null;
        bool follow = call.Flag("follow");
        string? volume = call.Query("volume");
        call.Response.ContentType = ContentType;
        while (true)
        {
            foreach (VolumeEvent e in events.Since(last))
            {
                if (tellsLost && e.Sequence > last + 1)
                    await WriteAsync(call, EventInfo.Lost(e.Sequence - last - 1, e, volume, events.Capacity));
                (tellsLost, last) = (true, e.Sequence);
                if (volume is not null && e.Volume != volume)
                    continue;
                await WriteAsync(call, EventInfo.Of(e));
            }
            // Whoever follows sees what there is so far, if only that there is nothing.
            await call.Response.Body.FlushAsync(call.Ended);
            if (!follow)
                return;
            await events.WaitAsync(last, call.Ended);
            tellsLost = true;
        }
    }

    private static async Task WriteAsync(ControlCall call, EventInfo info)
    {
        await JsonSerializer.SerializeAsync(call.Response.Body, info, ControlJson.Default.EventInfo, call.Ended);
        await call.Response.Body.WriteAsync(s_lineEnd, call.Ended);
    }
}
