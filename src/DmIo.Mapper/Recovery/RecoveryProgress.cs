namespace DmIo.Mapper;

/// <summary>How far a recovery is, how fast, and how long it will take.</summary>
internal sealed class RecoveryProgress(TimeProvider time, long totalRegions, Sectors regionSize)
{
    // Progress is logged this often.
    private const int PercentStep = 10;

    private readonly long _began = time.GetTimestamp();
    private long _toldPercent;

    public long TotalRegions => totalRegions;

    public long DoneRegions { get; private set; }

    /// <summary>Bytes per second since the beginning, holes included.</summary>
    public long RateBytes
    {
        get
        {
            double seconds = time.GetElapsedTime(_began).TotalSeconds;
            return seconds <= 0 ? 0 : (long)(DoneRegions * regionSize.Bytes / seconds);
        }
    }

    /// <summary>How long the rest takes at the rate so far.</summary>
    public TimeSpan Left => DoneRegions == 0
        ? TimeSpan.Zero
        : time.GetElapsedTime(_began) * ((double)Math.Max(0, totalRegions - DoneRegions) / DoneRegions);

    /// <summary>Another region is done.</summary>
    /// <returns>The percentage to tell, when it has come to another step.</returns>
    public long? Advance()
    {
        DoneRegions++;
        long percent = Math.Min(DoneRegions, totalRegions) * 100 / Math.Max(1, totalRegions) / PercentStep * PercentStep;
        if (percent <= _toldPercent)
            return null;
        _toldPercent = percent;
        return percent;
    }
}
