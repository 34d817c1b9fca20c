using DmIo.Daemon.Control;

namespace DmIo.Daemon.Verbs;

/// <summary>How fast mirrors get into sync, from one look to the next, and when they will be.</summary>
internal sealed class RecoveryRates(TimeProvider time)
{
    // The share of the newest look in the rate that is shown: steady enough to read, quick enough to be true.
    private const double Newest = 0.3;

    private readonly Dictionary<(string Volume, long Start), (long At, long InSync, double PerSecond)> _seen = [];

    /// <summary>A remark such as ", 120 MiB/s, 00:01:40 left"; empty while nothing moves.</summary>
    public string Of(string volume, MirrorInfo mirror)
    {
        long now = time.GetTimestamp();
        double rate = 0;
        if (_seen.TryGetValue((volume, mirror.StartSector), out var last))
        {
            double seconds = time.GetElapsedTime(last.At, now).TotalSeconds;
            double latest = Math.Max(0, mirror.RegionsInSync - last.InSync) / Math.Max(seconds, 1e-3);
            rate = last.PerSecond == 0 ? latest : last.PerSecond + Newest * (latest - last.PerSecond);
        }
        _seen[(volume, mirror.StartSector)] = (now, mirror.RegionsInSync, rate);
        long left = mirror.Regions - mirror.RegionsInSync;
        if (rate == 0 || left == 0)
            return "";
        double bytes = rate * ((double)mirror.LengthSectors / mirror.Regions) * Sectors.SizeBytes;
        var eta = TimeSpan.FromSeconds(Math.Min(Math.Ceiling(left / rate), TimeSpan.FromDays(99).TotalSeconds));
        return $", {bytes / (1 << 20):F1} MiB/s, {eta:c} left";
    }
}
