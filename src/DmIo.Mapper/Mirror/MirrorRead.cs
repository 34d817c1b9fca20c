namespace DmIo.Mapper;

/// <summary>A read on its way to one leg after the other until one succeeds. Pooled by its mirror.</summary>
internal sealed class MirrorRead(MirrorTarget mirror) : BlockRequest
{
    /// <summary>What the mirror was asked.</summary>
    public BlockRequest? Original { get; set; }

    /// <summary>The leg that is being read.</summary>
    public Leg? Leg { get; set; }

    /// <summary>Legs that were tried.</summary>
    public ulong Tried { get; set; }

    public MirrorRead? NextFree { get; set; }

    protected override void Completed() => mirror.Finished(this);
}
