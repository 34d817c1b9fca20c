namespace DmIo;

/// <summary>
/// Decides how long a loop looks again before it goes to sleep. A client on another core that waits for each reply
/// answers within microseconds, and a wake-up costs more than the look; a client on the same core cannot answer while
/// the loop looks. So looking is kept up while it pays and given up when it does not (README.md: loop shapes).
/// </summary>
internal sealed class SpinGovernor
{
    // A round trip of a client on another core, with room: what the measurements liked best at depth 1.
    private const int LongestUs = 50;

    // One sleep in so many is preceded by a look although looking did not pay lately.
    private const int TrialInterval = 64;

    // How many fruitless looks in a row end the habit, and how far success builds it up.
    private const int MaxCredit = 8;

    private readonly long _longestTicks;
    private readonly bool _canPay = Environment.ProcessorCount > 1;
    private int _credit;
    private int _sleepsUntilTrial = TrialInterval;

    public SpinGovernor(TimeProvider time) => _longestTicks = time.TimestampFrequency * LongestUs / 1_000_000;

    /// <summary>How long to look before the coming sleep, in ticks of the clock; zero for not at all.</summary>
    public long NextTicks()
    {
        if (!_canPay)
            return 0;
        if (_credit > 0)
            return _longestTicks;
        if (--_sleepsUntilTrial > 0)
            return 0;
        _sleepsUntilTrial = TrialInterval;
        return _longestTicks;
    }

    public void Report(bool paid) => _credit = paid ? Math.Min(_credit + 2, MaxCredit) : Math.Max(_credit - 1, 0);
}
