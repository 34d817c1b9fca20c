namespace DmIo;

/// <summary>What a client's pool has done so far; something that the kernel cannot show.</summary>
/// <param name="Contexts">How many requests may be under way at once.</param>
/// <param name="InFlight">Requests under way.</param>
/// <param name="Waiting">Requests that wait for a context.</param>
/// <param name="ReserveHits">Requests that found a context at once.</param>
/// <param name="Waits">Requests that had to wait for one, those that still do included.</param>
/// <param name="AbandonedPieces">
/// Operations that have not landed although their regions have ended: given up, or still held beneath.
/// </param>
public readonly record struct IoPoolStatistics(
    int Contexts, int InFlight, int Waiting, long ReserveHits, long Waits, int AbandonedPieces = 0);
