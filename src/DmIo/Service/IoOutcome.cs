namespace DmIo;

/// <summary>
/// How a request ended: bit i of <see cref="ErrorBits"/> is set if any piece of region i failed, and for each such
/// region there is a <see cref="RegionFailure"/>.
/// </summary>
public readonly struct IoOutcome
{
    private readonly RegionFailure[]? _failures;

    internal IoOutcome(ulong errorBits, RegionFailure[]? failures)
    {
        ErrorBits = errorBits;
        _failures = failures;
    }

    /// <summary>Bit i stands for region i; zero is success everywhere.</summary>
    public ulong ErrorBits { get; }

    /// <summary>Whether every region succeeded.</summary>
    public bool IsSuccess => ErrorBits == 0;

    /// <summary>The detail for a region, null when it did not fail.</summary>
    public RegionFailure? this[int region] => (ErrorBits >> region & 1) == 0 ? null : _failures![region];
}
