namespace DmIo.Mapper;

/// <summary>A change or a flush on its way to the legs of the set: one dm-io request. Pooled by its mirror.</summary>
internal sealed class MirrorWrite(MirrorTarget mirror) : IoRequest
{
    /// <summary>What the mirror was asked.</summary>
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

    /// <summary>For a flush: the stamp of the last change that had ended when it began.</summary>
    public long Stamp { get; set; }

    public MirrorWrite? NextFree { get; set; }

    protected override void Notify(in IoOutcome outcome) => mirror.Finished(this, outcome);
}
