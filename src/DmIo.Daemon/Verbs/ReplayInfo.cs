namespace DmIo.Daemon.Verbs;

/// <summary>What replay-log --json has done.</summary>
/// <param name="Entries">How many entries the log has.</param>
/// <param name="Replayed">How many of them were replayed, flushes and marks among them.</param>
internal sealed record ReplayInfo(long Entries, long Replayed);
