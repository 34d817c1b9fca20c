namespace DmIo.SideBySide.Client;

/// <summary>What a load achieved: operations per second in time, all operations done, the client's share of its core.</summary>
internal readonly record struct LoadResult(double PerSecond, long Operations, double ClientBusy);
