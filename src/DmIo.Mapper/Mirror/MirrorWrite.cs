namespace DmIo.Mapper;

/// <summary>A change or a flush on its way to the legs of the set: one dm-io request. Pooled by its mirror.</summary>
internal sealed class MirrorWrite(MirrorTarget mirror) : IoRequest
{
    /// <summary>What the mirror was asked.</summary>
    public BlockRequest? Original { get; set; }

    /// <summary>The legs that this request reaches.</summary>
    public ulong Asked { get; set; }

    /// <summary>Legs that did not take it; it is acknowledged when the record says that they are out.</summary>
    public ulong Lacking { get; set; }

    public MirrorWrite? NextFree { get; set; }

    protected override void Notify(in IoOutcome outcome) => mirror.Finished(this, outcome);
}
