namespace DmIo.Mapper;

/// <summary>
/// A read on its way: piece by piece where no leg holds all of it, and each piece to one leg after the other until one
/// succeeds. Pooled by its mirror.
/// </summary>
internal sealed class MirrorRead(MirrorTarget mirror) : BlockRequest, IWatched
{
    /// <summary>What the mirror was asked.</summary>
    public BlockRequest? Original { get; set; }

    /// <summary>Where it reads into, when that is not the memory of what was asked.</summary>
    public SpareMemory? Other { get; set; }

    /// <summary>What it was given up for, and whose memory it may still write.</summary>
    public BlockRequest? Held { get; set; }

    public long BeganAt { get; set; }

    public IWatched? Earlier { get; set; }

    public IWatched? Later { get; set; }

    /// <summary>The leg that is being read.</summary>
    public Leg? Leg { get; set; }

    /// <summary>What the leg had failed when it was asked (<see cref="Leg.Failures"/>).</summary>
    public int LegFailures { get; set; }

    /// <summary>Legs that were tried for this piece.</summary>
    public ulong Tried { get; set; }

    /// <summary>Those of them that could not read it.</summary>
    public ulong Unreadable { get; set; }

    /// <summary>How legs failed so far, if any did.</summary>
    public LegFailures? Failures { get; set; }

    /// <summary>First sector of the piece, on the mirror.</summary>
    public Sectors At { get; set; }

    public MirrorRead? NextFree { get; set; }

    public void Overdue() => mirror.GiveUp(this);

    protected override void Completed()
    {
        if (Held is null)
            mirror.Finished(this);
        else
            mirror.Landed(this);
    }
}
