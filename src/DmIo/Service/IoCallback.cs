namespace DmIo;

/// <summary>
/// Told on the client's loop, exactly once, how a request ended. It may start the next request on the same client; it
/// must not block, and must not throw.
/// </summary>
/// <param name="outcome">The error bits and what is behind them.</param>
/// <param name="context">What the caller gave along with the request.</param>
public delegate void IoCallback(in IoOutcome outcome, object? context);
