namespace DmIo.SideBySide.Measure;

/// <summary>What one server did in one round.</summary>
/// <param name="PerSecond">Operations per second.</param>
/// <param name="Operations">All operations that the CPU time was spent on.</param>
/// <param name="CpuSeconds">CPU time of all the server's threads.</param>
/// <param name="ClientBusy">The client's share of its core; 0 where unknown.</param>
internal readonly record struct Turn(double PerSecond, double Operations, double CpuSeconds, double ClientBusy);
