using System.Globalization;
using DmIo.SideBySide.Measure;

namespace DmIo.SideBySide.Studies;

/// <summary>Two values of each round, and what the one is in terms of the other.</summary>
/// <param name="What">In words, with the unit.</param>
/// <param name="Other">What the first is compared with.</param>
/// <param name="Aim">What the median of the ratios should be; empty when there is no aim.</param>
internal sealed record Pairs(string What, string Other, string Aim = "")
{
    private readonly List<(double Ours, double Other)> _values = [];

    public void Add(double ours, double other) => _values.Add((ours, other));

    /// <summary>A row: medians, the median of the ratios with minimum and maximum, and that of the differences.</summary>
    public string Row(string study)
    {
        double[] ratios = [.. _values.Select(v => v.Ours / v.Other)];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {study} | {What} | {Median(v => v.Ours)} | {Other} {Median(v => v.Other)} | {Statistics.Median(ratios):F2} [{ratios.Min():F2}, {ratios.Max():F2}] | {Median(v => v.Ours - v.Other)} | {Aim} |");
    }

    private string Median(Func<(double Ours, double Other), double> of) =>
        Statistics.Median(_values.Select(of)).ToString("G4", CultureInfo.InvariantCulture);
}
