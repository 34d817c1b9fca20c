namespace DmIo.Mapper;

/// <summary>How a mirror behaves, beside what its table says.</summary>
public sealed record MirrorOptions
{
    /// <summary>
    /// How long a region must have been idle before it is marked clean in the log. Zero marks it as soon as its last write
    /// has ended, as the kernel does. 5 seconds, as md's bitmap: a region that is written again and again costs one write
    /// of the log.
    /// </summary>
    public TimeSpan CleanAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether legs that answer again come back, and what they lack is copied, without being told.</summary>
    public bool Recovers { get; init; } = true;

    /// <summary>The most bytes per second that recovery copies; zero: as fast as it goes.</summary>
    public long RecoveryRateBytes { get; init; }

    /// <summary>
    /// The most bytes per second that recovery copies while clients are at work; zero: no less than otherwise. Arbitrary:
    /// some of what a disk can do.
    /// </summary>
    public long RecoveryBusyRateBytes { get; init; } = 64 << 20;

    /// <summary>The most bytes of the volume per second that a check or repair of the legs does; zero: as fast as it goes.</summary>
    public long ScrubRateBytes { get; init; }

    /// <summary>
    /// The same while clients are at work; zero: no less than otherwise. Arbitrary: less than recovery, which is urgent.
    /// </summary>
    public long ScrubBusyRateBytes { get; init; } = 32 << 20;

    /// <summary>How long after a leg has left it is looked at for the first time; doubled with every failure.</summary>
    public TimeSpan ProbeAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest time between two looks at a leg that is out.</summary>
    public TimeSpan ProbeLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Whether a range that one leg cannot read is rewritten from another.</summary>
    public bool RepairsReads { get; init; } = true;

    /// <summary>
    /// How many read errors a leg may have, halved every hour, before it leaves the set; 20, as md's
    /// <c>max_corr_read_errors</c>.
    /// </summary>
    public int ReadErrorLimit { get; init; } = 20;

    /// <summary>The leg that reads come from where it can serve them; null: the one with the fewest under way.</summary>
    public int? PreferredLeg { get; init; }

    /// <summary>Bits of the legs that are read only when no other can serve.</summary>
    public ulong WriteMostlyLegs { get; init; }

    /// <summary>What becomes of writes that need the log or the record while neither can be written.</summary>
    public WhenUnrecorded WhenUnrecorded { get; init; } = WhenUnrecorded.Fail;

    /// <summary>
    /// How long a write that a leg failed is held for the leg to come back, as the kernel's <c>handle_errors</c> holds it;
    /// then it is answered. Zero: it is answered at once when that the leg lacks it is recorded.
    /// </summary>
    public TimeSpan HoldFailedWrites { get; init; }

    /// <summary>
    /// How many legs must have a plain write before it is answered; zero: all of the set. The others catch up, in bounded
    /// memory; flushes and FUA wait for them, or for the record that they lack it.
    /// </summary>
    public int WriteQuorum { get; init; }

    /// <summary>
    /// How long a leg may take for an operation. One that takes longer leaves the set, the operation is gone on without,
    /// and it returns when all that it was asked has ended. The log device is given as long: its disk is no other than
    /// theirs. Zero: they are waited for. 30 seconds, as Linux gives a disk for a command.
    /// </summary>
    public TimeSpan LegDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a log device that has failed is left alone.</summary>
    public TimeSpan LogRetryAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The same for the mirror without one of its legs: those behind it move up.</summary>
    internal MirrorOptions WithoutLeg(int leg)
    {
        ulong before = (1ul << leg) - 1;
        int? preferred = PreferredLeg == leg ? null : PreferredLeg;
        return this with
        {
            PreferredLeg = preferred > leg ? preferred - 1 : preferred,
            WriteMostlyLegs = (WriteMostlyLegs & before) | (WriteMostlyLegs >> 1 & ~before),
        };
    }
}
