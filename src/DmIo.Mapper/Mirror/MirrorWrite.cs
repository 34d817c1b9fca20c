namespace DmIo.Mapper;

/// <summary>A change or a flush on its way to the legs of the set: one dm-io request. Pooled by its mirror.</summary>
internal sealed class MirrorWrite(MirrorTarget mirror) : IoRequest, IWatched
{
    /// <summary>What the mirror was asked; null for a flush, which many may wait for.</summary>
    public BlockRequest? Original { get; set; }

    /// <summary>The legs that this request reaches.</summary>
    public ulong Asked { get; set; }

    /// <summary>First region that it changes.</summary>
    public long FirstRegion { get; set; }

    /// <summary>Last region that it changes; before the first for a flush.</summary>
    public long LastRegion { get; set; }

    /// <summary>The region's use, when there is only one.</summary>
    public RegionUse? Use { get; set; }

    /// <summary>The legs' version for which it was noted who lacks it.</summary>
    public int LegsVersion { get; set; }

    /// <summary>The commit that it is acknowledged after.</summary>
    public long Ticket { get; set; }

    /// <summary>What the mirror was asked, answered, while operations that were given up use its memory.</summary>
    public BlockRequest? Held { get; set; }

    /// <summary>Legs that have taken it so far.</summary>
    public ulong HaveIt { get; set; }

    /// <summary>Its number among those that were answered before all legs had them; 0 when it was not.</summary>
    public long EarlyNumber { get; set; }

    /// <summary>The turn that such a write keeps.</summary>
    public KeptTurn? Turn { get; set; }

    /// <summary>Whether a leg has failed it, and it may be held back for that.</summary>
    public bool HasFailed { get; set; }

    public long BeganAt { get; set; }

    public IWatched? Earlier { get; set; }

    public IWatched? Later { get; set; }

    public MirrorWrite? NextFree { get; set; }

    public void Overdue() => mirror.GiveUp(this);

    protected override bool TracksRegions => true;

    protected override void RegionFinished(int region, in RegionFailure? failure)
    {
        mirror.WriteEnded(this, region, failure is not null);
        if (failure is not null)
            mirror.Suspect(Asked, region);
        else if (mirror.HasQuorum)
            mirror.Took(this, region);
    }

    protected override void Landed(int region) => mirror.Landed(this, region);

    protected override void Notify(in IoOutcome outcome) => mirror.Finished(this, outcome);
}
