using System.Diagnostics;

namespace DmIo.Benchmarks.Mirror;

/// <summary>How long operations took.</summary>
internal sealed class Latencies
{
    private readonly List<long> _ticks = new(1 << 20);
    private bool _isSorted;

    public int Count => _ticks.Count;

    public void Add(long ticks)
    {
        _ticks.Add(ticks);
        _isSorted = false;
    }

    public void Clear() => _ticks.Clear();

    /// <summary>Microseconds within which this part of the operations ended; NaN when there were none.</summary>
    public double Microseconds(double part)
    {
        if (!_isSorted)
            _ticks.Sort();
        _isSorted = true;
        return _ticks.Count == 0
            ? double.NaN
            : _ticks[Math.Min(_ticks.Count - 1, (int)(part * _ticks.Count))] * 1e6 / Stopwatch.Frequency;
    }

    /// <summary>Each of them.</summary>
    public IEnumerable<double> Milliseconds() => _ticks.Select(t => t * 1e3 / Stopwatch.Frequency);
}
