namespace DmIo.Mapper;

/// <summary>One leg of a mirror: where it lies and what is known of it.</summary>
internal sealed class Leg(int index, TargetLeg place, LegIdentity identity, long regions)
{
    public int Index => index;

    /// <summary>The leg's error bit.</summary>
    public ulong Bit => 1UL << index;

    public BlockDevice Device => place.Device;

    public Sectors Offset => place.Offset;

    public TargetLeg Place => place;

    public LegIdentity Identity => identity;

    public LegState State { get; set; } = LegState.InSync;

    /// <summary>Regions in which the leg is not known to be identical to the source.</summary>
    public RegionSet Lacks { get; } = new(regions);

    /// <summary>Every kind of failure since the leg was last in sync.</summary>
    public LegErrors Errors { get; set; }

    public LegFailure? Failure { get; set; }

    /// <summary>Whether writes must reach it.</summary>
    public bool IsInSet => State != LegState.Stale;

    /// <summary>Whether it holds everything that was acknowledged.</summary>
    public bool IsTrusted => State is LegState.InSync or LegState.MayDiffer;

    /// <summary>The health letter: the most severe failure, as the kernel ranks them.</summary>
    public char Letter => Errors switch
    {
        >= LegErrors.Flush => 'F',
        >= LegErrors.Write => 'D',
        >= LegErrors.Sync => 'S',
        >= LegErrors.Read => 'R',
        _ => 'A',
    };
}
