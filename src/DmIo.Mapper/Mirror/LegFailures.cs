namespace DmIo.Mapper;

/// <summary>
/// Which legs failed in one operation, and how: dm-io's error bits and details, turned from regions to legs.
/// </summary>
internal sealed class LegFailures
{
    private readonly RegionFailure[] _details = new RegionFailure[MirrorSpec.MaxLegs];

    /// <summary>Bit i stands for leg i.</summary>
    public ulong Bits { get; private set; }

    /// <summary>
    /// Ends when nothing uses the memory any more: operations that were given up may, after the outcome is known.
    /// </summary>
    public Task Landing { get; set; } = Task.CompletedTask;

    public RegionFailure this[int leg] => _details[leg];

    /// <summary>
    /// Adds the outcome of a request whose regions were those of the legs in <paramref name="asked"/>, lowest first.
    /// </summary>
    public void Add(ulong asked, in IoOutcome outcome)
    {
        int region = 0;
        for (int leg = 0; leg < MirrorSpec.MaxLegs; leg++)
        {
            if ((asked >> leg & 1) == 0)
                continue;
            if (outcome[region++] is { } failure)
                Add(leg, failure);
        }
    }

    /// <summary>Adds one leg's failure; the first one stands.</summary>
    public void Add(int leg, RegionFailure failure)
    {
        if ((Bits >> leg & 1) == 0)
            _details[leg] = failure;
        Bits |= 1UL << leg;
    }
}
