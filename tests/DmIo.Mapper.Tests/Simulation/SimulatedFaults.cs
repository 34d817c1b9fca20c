namespace DmIo.Mapper.Tests;

/// <summary>
/// How a simulated disk misbehaves on its own: rates are probabilities per operation, from 0 to 1, and may be changed at
/// any time. What happens at one instant (a power cut, a hang, going away, a bad block) is told to
/// <see cref="SimulatedMedia"/>.
/// </summary>
internal sealed class SimulatedFaults
{
    /// <summary>What failing operations fail with.</summary>
    public Errno Errno { get; set; } = Errno.EIO;

    /// <summary>Writes that fail; any of their blocks may have taken effect.</summary>
    public double WriteErrors { get; set; }

    /// <summary>Reads that fail; the memory holds anything afterwards.</summary>
    public double ReadErrors { get; set; }

    /// <summary>Flushes that fail: cached blocks became durable or not, and none is flushed again.</summary>
    public double FlushErrors { get; set; }

    /// <summary>Discards that fail.</summary>
    public double DiscardErrors { get; set; }

    /// <summary>Write-zeroes that fail.</summary>
    public double ZeroesErrors { get; set; }

    /// <summary>Whether discards are refused with EOPNOTSUPP although the limit says otherwise.</summary>
    public bool RefusesDiscard { get; set; }

    /// <summary>Whether write-zeroes are refused with EOPNOTSUPP although the limit says otherwise.</summary>
    public bool RefusesZeroes { get; set; }

    /// <summary>
    /// Of the changes that fail, those whose rest takes effect some time after the failure was told (a remote leg whose
    /// connection broke does this; a disk of the same machine does not).
    /// </summary>
    public double LandingsAfterError { get; set; }

    /// <summary>Operations that take up to <see cref="SlowLatency"/>.</summary>
    public double SlowOperations { get; set; }

    /// <summary>The longest time that a slow operation takes.</summary>
    public TimeSpan SlowLatency { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Operations that never complete; half of them take effect all the same.</summary>
    public double Vanishings { get; set; }

    /// <summary>Not a fault that a mirror can survive, to test the checks: flush and FUA do nothing.</summary>
    public bool LiesAboutDurability { get; set; }

    /// <summary>Not a fault that a mirror can survive, to test the checks: writes that succeed and do nothing.</summary>
    public double SilentlyLostWrites { get; set; }

    /// <summary>Ends all faults.</summary>
    public void Heal()
    {
        WriteErrors = ReadErrors = FlushErrors = DiscardErrors = ZeroesErrors = 0;
        RefusesDiscard = RefusesZeroes = LiesAboutDurability = false;
        LandingsAfterError = SlowOperations = Vanishings = SilentlyLostWrites = 0;
    }
}
