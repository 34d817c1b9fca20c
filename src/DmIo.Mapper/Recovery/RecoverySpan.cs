namespace DmIo.Mapper;

/// <summary>A run of regions that are copied one after the other from the same leg to the same legs.</summary>
internal sealed class RecoverySpan(long firstRegion, long lastRegion)
{
    private HashSet<long>? _disturbed;

    public long FirstRegion => firstRegion;

    public long LastRegion => lastRegion;

    /// <summary>Regions of which everything was copied, and to whom; not handed on to be believed yet.</summary>
    public List<(long Region, ulong Targets)> Copied { get; set; } = [];

    /// <summary>Batches of it that are being made durable.</summary>
    public int Pending { get; set; }

    /// <summary>Everything of it has been copied, or will not be.</summary>
    public bool IsDone { get; set; }

    /// <summary>The set of legs has changed meanwhile: what was copied is not believed.</summary>
    public bool IsOutdated { get; set; }

    /// <summary>Legs may have come to differ again in a region while it is copied.</summary>
    public void Disturb(long region)
    {
        if (region >= firstRegion && region <= lastRegion)
            (_disturbed ??= []).Add(region);
    }

    /// <summary>Whether what was copied to a region makes legs alike in it.</summary>
    public bool IsGood(long region) => !IsOutdated && _disturbed?.Contains(region) != true;
}
