namespace DmIo.Mapper;

/// <summary>A region that is being changed, or was and has not been made durable on all legs since.</summary>
internal sealed class RegionUse
{
    public long Region { get; set; }

    /// <summary>Changes under way.</summary>
    public int Pending { get; set; }

    /// <summary>Stamp of the last change that ended here.</summary>
    public long Stamp { get; set; }

    /// <summary>When the last change ended, in ticks of the loop's clock.</summary>
    public long IdleSince { get; set; }

    /// <summary>The commit of the log that must be durable before a change may be made or acknowledged.</summary>
    public long Ticket { get; set; }

    /// <summary>Legs outside the set of which it is noted that they lack the region.</summary>
    public ulong Noted { get; set; }

    /// <summary>Neighbours in the list of idle ones, or the next free object.</summary>
    public RegionUse? Previous { get; set; }

    /// <inheritdoc cref="Previous"/>
    public RegionUse? Next { get; set; }

    /// <summary>Whether it stands in the list of idle ones.</summary>
    public bool IsIdle { get; set; }
}
