namespace DmIo.Daemon.Verbs;

/// <summary>What the last look saw, so that this one can tell how fast things go.</summary>
internal sealed class Seen(TimeProvider time)
{
    // The share of the newest look in what is shown: steady enough to read, quick enough to be true.
    private const double Newest = 0.4;

    private readonly Dictionary<string, (long At, double Value, double PerSecond)> _seen = [];

    /// <summary>How fast something that only grows has grown, per second; zero at the first look.</summary>
    public double RateOf(string what, double value)
    {
        long now = time.GetTimestamp();
        double rate = 0;
        if (_seen.TryGetValue(what, out var last))
        {
            double seconds = Math.Max(time.GetElapsedTime(last.At, now).TotalSeconds, 1e-3);
            double latest = Math.Max(0, value - last.Value) / seconds;
            rate = last.PerSecond == 0 ? latest : last.PerSecond + Newest * (latest - last.PerSecond);
        }
        _seen[what] = (now, value, rate);
        return rate;
    }

    /// <summary>Bytes per second as people read them.</summary>
    public static string Speed(double bytesPerSecond) => $"{bytesPerSecond / (1 << 20):F1} MiB/s";

    /// <summary>How long is left, in whole seconds.</summary>
    public static string Left(double seconds) =>
        $"{TimeSpan.FromSeconds(Math.Min(Math.Ceiling(seconds), TimeSpan.FromDays(99).TotalSeconds)):c} left";
}
