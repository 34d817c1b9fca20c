namespace DmIo.Mapper;

/// <summary>What a leg is asked: reads, and all that changes it or makes it durable.</summary>
internal sealed class LegMeters(TimeProvider time)
{
    private readonly double _nsPerTick = 1e9 / time.TimestampFrequency;

    public LegMeter Reads { get; } = new();

    public LegMeter Writes { get; } = new();

    /// <summary>A client's read has ended.</summary>
    public void ReadEnded(long beganAt, long bytes) => Reads.Ended(NsSince(beganAt), bytes);

    /// <summary>A client's change has ended.</summary>
    public void WriteEnded(long beganAt, long bytes) => Writes.Ended(NsSince(beganAt), bytes);

    /// <summary>The meter of an operation.</summary>
    public LegMeter Of(BlockOperation operation) => operation == BlockOperation.Read ? Reads : Writes;

    public void ClearErrors()
    {
        Reads.ClearErrors();
        Writes.ClearErrors();
    }

    private long NsSince(long beganAt) => (long)((time.GetTimestamp() - beganAt) * _nsPerTick);
}
