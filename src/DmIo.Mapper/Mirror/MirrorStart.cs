namespace DmIo.Mapper;

/// <summary>
/// Decides what a mirror's legs hold when it starts. What the record says wins over options and table; only where it
/// says nothing, at birth, those decide. Fills the legs' sets and tells what else was found.
/// </summary>
internal sealed class MirrorStart(
    string name, TableLine line, LegSet legs, MappedDeviceOptions options, string location)
{
    private readonly MirrorSpec _spec = (MirrorSpec)line.Target;
    private readonly RegionSet _disputed = new(legs.Regions);

    /// <summary>What is to be logged once the mirror has started.</summary>
    public List<string> Findings { get; } = [];

    /// <summary>Whether the option that names a leg changed anything.</summary>
    public bool UsedSyncFrom { get; private set; }

    /// <exception cref="MapperException">
    /// The options name a leg that there is not, or contradict each other.
    /// </exception>
    public void CheckOptions()
    {
        if (options.SyncFrom is { } leg && (leg < 0 || leg >= legs.Legs.Length))
        {
            throw new MapperException(
                $"{name}: --sync-from {leg} names no leg; legs are counted from 0, so take one from 0 to "
                + $"{legs.Legs.Length - 1}");
        }
        if (options is { SyncFrom: not null, AssumeClean: true })
            throw new MapperException($"{name}: --sync-from and --assume-clean exclude each other; choose one");
        if (options is { Force: true, SyncFrom: null })
            throw new MapperException($"{name}: --force wants --sync-from LEG with the leg to go on with");
        if (options.SyncFrom is { } chosen && !legs[chosen].IsPresent)
            throw new MapperException($"{name}: --sync-from {chosen} names a leg that is missing; name one that is there");
    }

    /// <summary>The start of a mirror of which nothing is recorded.</summary>
    /// <exception cref="BirthException">The legs hold data and nobody says what is to become of it.</exception>
    public async ValueTask BirthAsync()
    {
        foreach (Leg leg in legs.Legs)
        {
            if (!leg.IsPresent)
            {
                throw new MapperException(
                    $"{name}: leg {leg.Index} ({leg.Place.Argument}) is missing, and a new mirror needs all of its legs");
            }
        }
        int? copyFrom = options.SyncFrom ?? (_spec.Sync == MirrorSync.Sync && !options.AssumeClean ? 0 : null);
        if (copyFrom is { } source)
        {
            UsedSyncFrom = true;
            foreach (Leg leg in legs.Legs)
            {
                if (leg.Index != source)
                    leg.Lacks.Fill();
            }
        }
        else if (!options.AssumeClean && _spec.Sync != MirrorSync.NoSync && !options.LegsAreFresh
            && await FindDataAsync() is { } holding)
        {
            throw new BirthException(
                $"{name}: leg {holding.Index} ({holding.Place.Argument}) of the new mirror holds data, so it is not "
                + "known whether the legs are in sync. Say --sync-from LEG to copy that leg (counted from 0) over the "
                + "others, or --assume-clean if they are the same already. (Only legs that were just created, or are "
                + "wholly holes, are in sync by themselves.)");
        }
        legs.Refresh();
    }

    /// <summary>The start of a mirror of which a record was read.</summary>
    /// <param name="recorded">What was read.</param>
    /// <param name="unsynced">The legs that could not make durable what was written to them before.</param>
    /// <exception cref="MapperException">Which leg is right is not known, or no leg is.</exception>
    public void Resume(RecordedMirror recorded, LegFailures unsynced)
    {
        foreach (Leg leg in legs.Legs)
            TakeOver(leg, recorded);
        legs.GivenUp.Clear();
        legs.GivenUp.UnionWith(recorded.GivenUp);
        if (recorded.FollowsKernel)
            FollowKernel(recorded);
        if (recorded.WasCut)
        {
            legs.MayDiffer.UnionWith(recorded.Dirty);
            // A flush that failed before is forgotten. Where a log of regions says how few they are, all are rewritten.
            if (recorded.HasRegions || recorded.IsUnwritten)
                legs.Rewrite.UnionWith(legs.MayDiffer);
            Findings.Add("was not stopped cleanly");
            Distrust(recorded.Dirty, unsynced);
        }
        if (recorded.New.Count > 0)
        {
            legs.MayDiffer.UnionWith(recorded.New);
            Findings.Add($"has become longer; its last {recorded.New.Count} regions are made alike");
        }
        ResolveDiverged();
        if (options.SyncFrom is { } chosen)
            Choose(legs[chosen]);
        // What is missing may differ, and nobody can make it like the others now.
        foreach (Leg leg in legs.Legs)
        {
            if (!leg.IsPresent)
                leg.Lacks.UnionWith(Held(legs.MayDiffer));
        }
        CheckHolders();
        legs.Refresh();
    }

    private void TakeOver(Leg leg, RecordedMirror recorded)
    {
        RecordedLeg? known = recorded.Legs[leg.Index];
        leg.Lacks.Clear();
        leg.IsDiverged = known?.IsDiverged ?? false;
        leg.IsFailedByHand = known?.IsFailedByHand ?? false;
        leg.Failure = known?.Failure;
        if (known is not null)
        {
            leg.Lacks.UnionWith(known.Lacks);
            return;
        }
        leg.Lacks.Fill();
        Findings.Add(
            $"leg {leg.Index} {leg.Place.Argument} is not the leg that {location} names, so all of it will be copied");
    }

    // Such a leg may have lost anything that it has not flushed since, which is where the log is dirty: elsewhere all legs
    // were flushed before the log said clean. It lacks that, if another leg has it; if none has, each may have lost another
    // part of what nobody was told is durable, and they are made alike as after any crash.
    private void Distrust(RegionSet dirty, LegFailures unsynced)
    {
        if (unsynced.Bits == 0)
            return;
        var elsewhere = new RegionSet(legs.Regions);
        elsewhere.UnionWith(dirty);
        elsewhere.ExceptWith(
            LackedBy(legs.Legs.ToArray().Where(leg => leg.IsPresent && (unsynced.Bits & leg.Bit) == 0)));
        foreach (Leg leg in legs.Legs)
        {
            if ((unsynced.Bits & leg.Bit) == 0)
                continue;
            leg.Lacks.UnionWith(elsewhere);
            Findings.Add(
                $"leg {leg.Index} {leg.Place.Argument} could not make durable what was written to it before this start "
                + $"({unsynced[leg.Index].Errno}); what the log says was being written is not believed to be there");
        }
    }

    // The kernel copies its first leg over the others wherever the log is dirty, and writes there to the first alone.
    private void FollowKernel(RecordedMirror recorded)
    {
        Leg first = legs[0];
        if (recorded.KernelInterfered)
        {
            var disputed = new RegionSet(legs.Regions);
            disputed.UnionWith(first.Lacks);
            disputed.IntersectWith(recorded.Dirty);
            if (disputed.Count > 0 && options.SyncFrom is null)
            {
                throw new MapperException(
                    $"{name}: split brain: the kernel has used the mirror since this program did, and leg 0 "
                    + $"({first.Place.Argument}), which the kernel goes by, lacks what other legs hold in regions "
                    + $"{RegionRanges.Describe(disputed)}; look at the legs, then say --sync-from LEG with the one that is "
                    + "right");
            }
            _disputed.UnionWith(disputed);
            Findings.Add("the kernel has used the mirror meanwhile; where its log is dirty, leg 0 is taken as right");
        }
        foreach (Leg leg in legs.Legs)
        {
            if (leg != first)
                leg.Lacks.UnionWith(recorded.Dirty);
            else if (recorded.KernelInterfered)
                leg.Lacks.ExceptWith(recorded.Dirty);
        }
    }

    // A leg that a forced start gave up is back: it may hold what the others lack, and lack what they hold.
    private void ResolveDiverged()
    {
        if (legs.GivenUp.Count == 0)
            return;
        foreach (Leg leg in legs.Legs)
        {
            if (!leg.IsDiverged || !leg.IsPresent)
                continue;
            if (leg.Lacks.Count > 0 && options.SyncFrom is null)
            {
                throw new MapperException(
                    $"{name}: split brain: leg {leg.Index} ({leg.Place.Argument}) was given up by a forced start; it holds "
                    + $"newer data in regions {RegionRanges.Describe(legs.GivenUp)}, and the other legs do in regions "
                    + $"{RegionRanges.Describe(leg.Lacks)}; look at both, then say --sync-from LEG with the one that is "
                    + "right: it is copied over the others there");
            }
            if (leg.Lacks.Count > 0)
            {
                _disputed.UnionWith(leg.Lacks);
                _disputed.UnionWith(legs.GivenUp);
            }
            leg.IsDiverged = false;
            if (leg.Lacks.Count > 0 && options.SyncFrom != leg.Index)
            {
                leg.Lacks.UnionWith(legs.GivenUp);
                continue;
            }
            // Nothing was written since, or it was chosen: what was given up is there after all.
            foreach (Leg other in legs.Legs)
            {
                if (other != leg)
                    other.Lacks.UnionWith(legs.GivenUp);
            }
        }
        foreach (Leg leg in legs.Legs)
        {
            if (leg.IsDiverged)
                return;
        }
        legs.GivenUp.Clear();
    }

    // The leg is right where legs may differ and where it is disputed; with force it is right everywhere, and what it lacks
    // is given up.
    private void Choose(Leg chosen)
    {
        // Among holders that may differ any can be right; one that lacks something there is none.
        var mine = new RegionSet(legs.Regions);
        mine.UnionWith(legs.MayDiffer);
        mine.ExceptWith(chosen.Lacks);
        if (mine.Count > 0)
        {
            foreach (Leg other in legs.Legs)
            {
                if (other != chosen)
                    other.Lacks.UnionWith(mine);
            }
            legs.MayDiffer.ExceptWith(mine);
            UsedSyncFrom = true;
        }
        if (chosen.Lacks.Count == 0)
            return;
        var elsewhere = new RegionSet(legs.Regions);
        elsewhere.UnionWith(chosen.Lacks);
        elsewhere.ExceptWith(LackedBy(legs.Legs.ToArray().Where(leg => leg != chosen && leg.IsPresent)));
        if (elsewhere.Count > 0 && !options.Force && _disputed.Count == 0)
        {
            throw new MapperException(
                $"{name}: --sync-from {chosen.Index} would copy a leg that lacks data over the good one (regions "
                + $"{RegionRanges.Describe(elsewhere)}); leave the option out, and it is brought up to date by itself. To "
                + "give up what only other legs have, say --force as well");
        }
        var taken = new RegionSet(legs.Regions);
        taken.UnionWith(chosen.Lacks);
        if (!options.Force)
            taken.IntersectWith(_disputed);
        if (taken.Count == 0)
            return;
        UsedSyncFrom = true;
        bool othersMissing = false;
        foreach (Leg other in legs.Legs)
        {
            if (other == chosen)
                continue;
            if (other.IsPresent)
            {
                other.Lacks.UnionWith(taken);
            }
            else
            {
                var newer = new RegionSet(legs.Regions);
                newer.UnionWith(taken);
                newer.ExceptWith(other.Lacks);
                other.IsDiverged |= newer.Count > 0;
                othersMissing |= newer.Count > 0;
            }
        }
        if (othersMissing)
            legs.GivenUp.UnionWith(taken);
        chosen.Lacks.ExceptWith(taken);
        legs.MayDiffer.ExceptWith(taken);
    }

    // Regions of a set that some leg that is there holds.
    private RegionSet Held(RegionSet set)
    {
        var held = new RegionSet(legs.Regions);
        held.UnionWith(set);
        held.ExceptWith(LackedBy(legs.Legs.ToArray().Where(leg => leg.IsPresent)));
        return held;
    }

    private RegionSet LackedBy(IEnumerable<Leg> some)
    {
        var lacked = new RegionSet(legs.Regions);
        lacked.Fill();
        foreach (Leg leg in some)
            lacked.IntersectWith(leg.Lacks);
        return lacked;
    }

    private void CheckHolders()
    {
        RegionSet orphaned = LackedBy(legs.Legs.ToArray().Where(leg => leg.IsPresent));
        if (orphaned.Count == 0)
            return;
        string regions = RegionRanges.Describe(orphaned);
        foreach (Leg leg in legs.Legs)
        {
            if (!leg.IsPresent && !leg.Lacks.ContainsAny(0, legs.Regions - 1))
            {
                throw new MapperException(
                    $"{name}: leg {leg.Index} ({leg.Place.Argument}) is missing, and it alone holds all that was written to "
                    + $"regions {regions}; bring it back. To go on without that data, say --sync-from LEG --force with a "
                    + "leg that is there");
            }
        }
        throw new MapperException(
            $"{name}: none of the legs that are there holds regions {regions} as {location} knows them (copied or newly "
            + "created files count as others); give the table the legs that it names. To go on without that data, say "
            + "--sync-from LEG --force with the leg that is right");
    }

    private async ValueTask<Leg?> FindDataAsync()
    {
        for (int i = 0; i < legs.Legs.Length; i++)
        {
            Leg leg = legs[i];
            IReadOnlyList<BlockExtent> extents = await leg.Device.ReadExtentsAsync(leg.Offset, line.Length);
            if (extents.Any(extent => extent.Kind != ExtentKind.Hole))
                return leg;
        }
        return null;
    }
}
