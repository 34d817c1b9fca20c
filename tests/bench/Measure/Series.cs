namespace DmIo.SideBySide.Measure;

/// <summary>All turns of one server in one cell, one per round.</summary>
internal sealed class Series(string name)
{
    public string Name => name;

    public List<Turn> Turns { get; } = [];

    public double Median => Statistics.Median(Turns.Select(t => t.PerSecond));

    /// <summary>Over all rounds together, since the kernel counts a single turn's CPU time coarsely.</summary>
    public double CpuMicrosecondsPerOperation => Turns.Sum(t => t.CpuSeconds) * 1e6 / Turns.Sum(t => t.Operations);

    public double ClientBusy => Statistics.Median(Turns.Select(t => t.ClientBusy));
}
