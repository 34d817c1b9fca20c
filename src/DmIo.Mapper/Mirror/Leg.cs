namespace DmIo.Mapper;

/// <summary>One leg of a mirror: where it lies and what is known of it.</summary>
internal sealed class Leg(int index, TargetLeg place, LegIdentity identity, long regions, TimeProvider time)
{
    public int Index => index;

    /// <summary>The leg's error bit.</summary>
    public ulong Bit => 1UL << index;

    public BlockDevice Device => place.Device;

    public Sectors Offset => place.Offset;

    public TargetLeg Place => place;

    /// <summary>What tells it from others; of one that is missing, what the record last knew of it.</summary>
    public LegIdentity Identity { get; set; } = identity;

    /// <summary>Whether writes go to it.</summary>
    public bool IsInSet { get; set; } = true;

    /// <summary>Whether its device is there; what is missing holds its data still, but nobody can have it.</summary>
    public bool IsPresent => place.Device is not MissingDevice;

    /// <summary>Whether it has to be told when it has caught up.</summary>
    public bool IsRecovering { get; set; }

    /// <summary>Regions in which it lacks something that was acknowledged.</summary>
    public RegionSet Lacks { get; } = new(regions);

    /// <summary>
    /// What the durable record says that it lacks: at any time at least what it would lack after a power cut.
    /// </summary>
    public RegionSet Recorded { get; } = new(regions);

    /// <summary>
    /// It was given up by a forced start and may hold writes that the others lack: it comes back only by a choice.
    /// </summary>
    public bool IsDiverged { get; set; }

    /// <summary>Operations that it has failed, and what follows from that is not decided yet.</summary>
    public int Suspicions { get; set; }

    /// <summary>Operations that were given up and may still land: it does not return before.</summary>
    public int Abandoned { get; set; }

    /// <summary>Operations other than reads that it has ever failed.</summary>
    public int Failures { get; set; }

    /// <summary>The stamp up to which it has made everything durable (<see cref="RegionUses"/>).</summary>
    public long FlushedStamp { get; set; }

    /// <summary>Every kind of failure since all legs were last in sync.</summary>
    public LegErrors Errors { get; set; }

    public LegFailure? Failure { get; set; }

    /// <summary>What it failed last, which is not forgotten when it is in sync.</summary>
    public LegTrouble? LastFailure { get; set; }

    /// <summary>It was taken out of the set by hand, and stays out until it is cleared.</summary>
    public bool IsFailedByHand { get; set; }

    /// <summary>What it is asked, and how long it takes.</summary>
    public LegMeters Meter { get; } = new(time);

    /// <summary>Ranges that could not be read and have not been repaired yet.</summary>
    public BadRanges Unreadable { get; } = new();

    /// <summary>Reads are sent here only when no other leg can serve them.</summary>
    public bool IsWriteMostly { get; set; }

    /// <summary>Clients' reads under way.</summary>
    public int ReadsInFlight => Meter.Reads.InFlight;

    /// <summary>First sector behind the last read that was sent here: a stream that goes on stays.</summary>
    public Sectors NextSequential { get; set; }

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
