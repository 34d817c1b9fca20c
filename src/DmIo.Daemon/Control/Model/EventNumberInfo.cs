namespace DmIo.Daemon.Control;

/// <summary>How far a volume's events have come.</summary>
/// <param name="EventNumber">Its event number.</param>
internal sealed record EventNumberInfo(long EventNumber);
