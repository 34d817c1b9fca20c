namespace DmIo.Mapper;

/// <summary>
/// A read on its way: piece by piece where no leg holds all of it, and each piece to one leg after the other until one
/// succeeds. Pooled by its mirror.
/// </summary>
internal sealed class MirrorRead(MirrorTarget mirror) : BlockRequest
{
    /// <summary>What the mirror was asked.</summary>
    public BlockRequest? Original { get; set; }

    /// <summary>The leg that is being read.</summary>
    public Leg? Leg { get; set; }

    /// <summary>What the leg had failed when it was asked (<see cref="Leg.Failures"/>).</summary>
    public int LegFailures { get; set; }

    /// <summary>Legs that were tried for this piece.</summary>
    public ulong Tried { get; set; }

    /// <summary>Those of them that could not read it.</summary>
    public ulong Unreadable { get; set; }

    /// <summary>First sector of the piece, on the mirror.</summary>
    public Sectors At { get; set; }

    public MirrorRead? NextFree { get; set; }

    protected override void Completed() => mirror.Finished(this);
}
