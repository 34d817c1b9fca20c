namespace DmIo;

/// <summary>What a synchronous or awaited call returns.</summary>
/// <param name="Errno">
/// <see cref="Errno.None"/> when every region succeeded, EIO when the outcome has an error bit; anything else, and EIO
/// without a bit: the request was refused and nothing was issued (<see cref="IoClient.Submit"/> tells why).
/// </param>
/// <param name="Outcome">The error bits and what is behind them; empty after a refusal.</param>
public readonly record struct IoResult(Errno Errno, IoOutcome Outcome)
{
    /// <summary>Whether every region succeeded.</summary>
    public bool IsSuccess => Errno == Errno.None;

    /// <summary>Whether the request was refused: nothing was issued, and there is no outcome.</summary>
    public bool IsRefused => Errno != Errno.None && Outcome.IsSuccess;

    internal static IoResult Of(in IoOutcome outcome) => new(outcome.IsSuccess ? Errno.None : Errno.EIO, outcome);
}
