using DmIo.SideBySide.Cells;

namespace DmIo.SideBySide.Measure;

/// <summary>A measured cell: ours, the peers, and the per-round ratios of ours to the best peer.</summary>
internal sealed class CellResult
{
    public CellResult(Cell cell, IReadOnlyList<Series> series, string? failure)
    {
        Cell = cell;
        Failure = failure;
        if (failure is null)
        {
            Ours = series[0];
            Peers = [.. series.Skip(1)];
            Best = Peers.MaxBy(p => p.Median)!;
            Ratios = [.. Ours.Turns.Zip(Best.Turns, (a, b) => a.PerSecond / b.PerSecond)];
        }
    }

    public Cell Cell { get; }

    /// <summary>Why there are no numbers; null if there are.</summary>
    public string? Failure { get; }

    public Series? Ours { get; }

    public IReadOnlyList<Series> Peers { get; } = [];

    /// <summary>The peer with the highest median throughput.</summary>
    public Series? Best { get; }

    public IReadOnlyList<double> Ratios { get; } = [];

    public double MedianRatio => Statistics.Median(Ratios);
}
