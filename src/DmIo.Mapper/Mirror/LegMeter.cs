using System.Numerics;

namespace DmIo.Mapper;

/// <summary>
/// Counts what a leg is asked in one direction, and how long it takes. Fed on the loop, once per operation and without
/// memory; read from any thread.
/// </summary>
internal sealed class LegMeter
{
    // The newest operation counts an eighth in the mean. Arbitrary.
    private const int MeanShift = 3;

    // Up to half a minute, in powers of two.
    private readonly long[] _latencies = new long[LegTraffic.Buckets];
    private long _operations;
    private long _bytes;
    private long _errors;
    private long _meanNs;

    /// <summary>Operations of clients under way.</summary>
    public int InFlight { get; set; }

    /// <summary>An operation for a client has ended.</summary>
    public void Ended(long nanoseconds, long bytes)
    {
        InFlight--;
        _operations++;
        _bytes += bytes;
        long delta = nanoseconds - _meanNs;
        _meanNs = _operations == 1 ? nanoseconds : _meanNs + (delta >> MeanShift);
        // A microsecond more or less: 1024 ns.
        int bucket = 64 - BitOperations.LeadingZeroCount((ulong)nanoseconds >> 10);
        _latencies[Math.Min(bucket, LegTraffic.Buckets - 1)]++;
    }

    /// <summary>An operation of the mirror's own has ended.</summary>
    public void EndedOwn(long bytes)
    {
        _operations++;
        _bytes += bytes;
    }

    /// <summary>One of them has failed.</summary>
    public void Failed() => _errors++;

    public void ClearErrors() => _errors = 0;

    public LegTraffic Snapshot() => new(
        Volatile.Read(ref _operations), Volatile.Read(ref _bytes), Volatile.Read(ref _errors), InFlight,
        TimeSpan.FromMicroseconds(Volatile.Read(ref _meanNs) / 1000.0), [.. _latencies]);
}
