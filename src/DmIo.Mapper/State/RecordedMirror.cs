namespace DmIo.Mapper;

/// <summary>What a mirror's log and record say when it is opened, whatever form they have.</summary>
internal sealed class RecordedMirror(long regions, int legs)
{
    public Guid Volume { get; init; }

    /// <summary>How often the set of good legs has shrunk.</summary>
    public long Epoch { get; init; }

    /// <summary>Regions where legs are not known to be identical.</summary>
    public RegionSet Dirty { get; } = new(regions);

    /// <summary>Regions that were not there when it was recorded, or not whole: legs may differ.</summary>
    public RegionSet New { get; } = new(regions);

    /// <summary>Regions that were given up by a forced start.</summary>
    public RegionSet GivenUp { get; } = new(regions);

    /// <summary>The dirty regions are those that were written, not all of them.</summary>
    public bool HasRegions { get; init; }

    /// <summary>A flush had failed on the last leg that held something.</summary>
    public bool IsUnwritten { get; set; }

    /// <summary>No write was in flight when the mirror ended: what nobody lacks is identical.</summary>
    public bool IsClean { get; init; }

    /// <summary>
    /// The kernel wrote the log last: where a region is dirty, the table's first leg is right and the others lack it.
    /// </summary>
    public bool FollowsKernel { get; init; }

    /// <summary>The kernel was active although a record said more than it can read.</summary>
    public bool KernelInterfered { get; init; }

    /// <summary>This program had the mirror last, and was cut off with writes in flight.</summary>
    public bool WasCut => !IsClean && !FollowsKernel;

    /// <summary>
    /// Takes what the mirror before knew of legs in the same life: the record may say less, where it could not be written,
    /// and more, where it was not worth a write.
    /// </summary>
    public void Take(IReadOnlyList<CarriedLeg> carried, LegSet legs)
    {
        foreach (Leg leg in legs.Legs)
        {
            if (Legs[leg.Index] is not { } recorded)
                continue;
            // What was known last is the last.
            foreach (CarriedLeg known in carried)
            {
                if (known.Offset == leg.Offset && leg.Identity.IsSameAs(known.Identity))
                    Take(known, recorded.Lacks, legs);
            }
        }
    }

    private static void Take(CarriedLeg known, RegionSet lacks, LegSet legs)
    {
        if (known.RegionSize != legs.RegionSize)
        {
            // Regions of another size are others.
            if (known.Lacks.Count > 0)
                lacks.Fill();
            return;
        }
        lacks.Clear();
        for (long region = known.Lacks.NextFrom(0); region >= 0 && region < legs.Regions; region = known.Lacks.NextFrom(region + 1))
            lacks.Add(region);
    }

    /// <summary>Takes note of the length that was recorded.</summary>
    public void SetLength(Sectors recorded, LegSet legs)
    {
        for (long region = legs.RegionOf(recorded); recorded < legs.Length && region < legs.Regions; region++)
            New.Add(region);
    }

    /// <summary>What is known of each leg of the table; null for one that the record does not know.</summary>
    public RecordedLeg?[] Legs { get; } = new RecordedLeg?[legs];
}
