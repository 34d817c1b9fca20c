using System.Diagnostics;

namespace DmIo.SideBySide.Client;

/// <summary>Reads 4 KiB at random, one after the other, and remembers how long each took.</summary>
internal sealed class LatencyClient : IDisposable
{
    private const int MostSamples = 1 << 20; // More than a turn of some seconds has.
    private static readonly Workload Reads = new(Operation.Read, 4096, 1);
    private readonly long[] _samples = new long[MostSamples];
    private readonly Connection _connection;

    public LatencyClient(string path, ulong seed) => _connection = new Connection(Handshake.Open(path, ""), Reads, seed);

    /// <summary>Median and 99th percentile, in microseconds.</summary>
    public (double Median, double Late) Run(int durationMs)
    {
        long deadline = Stopwatch.GetTimestamp() + durationMs * Stopwatch.Frequency / 1000;
        int count = 0;
        while (count < MostSamples)
        {
            long start = Stopwatch.GetTimestamp();
            if (start >= deadline)
            {
                break;
            }

            _connection.Submit(1);
            while (_connection.Receive() == 0)
            {
            }

            _samples[count++] = Stopwatch.GetTimestamp() - start;
        }

        Span<long> samples = _samples.AsSpan(0, count);
        samples.Sort();
        double microseconds = 1e6 / Stopwatch.Frequency;
        return (samples[count / 2] * microseconds, samples[(int)(count * 0.99)] * microseconds);
    }

    public void Dispose() => _connection.Dispose();
}
