namespace DmIo.Mapper;

/// <summary>
/// The durable side of what a mirror knows: which regions may hold writes in flight, which leg lacks which regions.
/// Changes are numbered by the commit that makes them durable; many share one. Whoever must not go on before a change is
/// durable waits until <see cref="Durable"/> has reached its ticket. Lives on the volume's loop.
/// </summary>
internal abstract class RegionLog(LegSet legs) : IAsyncDisposable
{
    /// <summary>The number of the last commit that is durable.</summary>
    public virtual long Durable { get; protected set; }

    /// <summary>Raised when a commit has become durable, or has failed.</summary>
    public Action<Errno> Committed { get; set; } = _ => { };

    /// <summary>What people look for when they want to see or remove it.</summary>
    public abstract string Location { get; }

    /// <summary>Whether its device was asked something that hangs and may still land.</summary>
    public virtual bool Hangs => false;

    /// <summary>How the log's device is, as a status line shows it.</summary>
    public virtual char Letter { get; protected set; } = ShownLog.Alive;

    /// <summary>What it is the log of.</summary>
    protected LegSet Legs => legs;

    /// <summary>Reads what is recorded; null when the mirror is new.</summary>
    /// <exception cref="MapperException">It cannot be read, is damaged, newer, or of another mirror.</exception>
    public abstract ValueTask<RecordedMirror?> OpenAsync();

    /// <summary>Makes the state with which the mirror starts durable; nothing is written to a leg before.</summary>
    public abstract ValueTask<Errno> BeginAsync(Guid volume, long epoch);

    /// <summary>Records the end: what is settled and what is not. Nothing is in flight any more.</summary>
    public abstract ValueTask<Errno> EndAsync();

    /// <summary>A region is going to be changed.</summary>
    /// <returns>The ticket that must be durable before; 0 when it is so already.</returns>
    public abstract long MarkDirty(long region);

    /// <summary>All legs of the table are identical in a region, and that is durable on them.</summary>
    public abstract void MarkClean(long region);

    /// <summary>A leg lacks what is written to a region.</summary>
    /// <returns>The ticket that must be durable before such a write is acknowledged.</returns>
    public abstract long NoteLack(Leg leg, long region);

    /// <summary>A leg holds a region again, durably.</summary>
    /// <returns>The ticket of the commit that says so.</returns>
    public abstract long NoteHas(Leg leg, long region);

    /// <summary>A leg has left the set, entered it, or failed; the epoch may have grown.</summary>
    /// <returns>The ticket of the commit that says so.</returns>
    public abstract long NoteLegs(long epoch);

    /// <summary>Whether a leg is recorded, missing ones included.</summary>
    public virtual bool Knows(LegIdentity identity, Sectors offset)
    {
        foreach (Leg leg in legs.Legs)
        {
            if (leg.Offset == offset && identity.IsSameAs(leg.Identity))
                return true;
        }
        return false;
    }

    /// <summary>Starts a commit of what has changed, or lets the one under way be followed by another.</summary>
    public abstract void Commit();

    public abstract ValueTask DisposeAsync();
}
