namespace DmIo.Mapper;

/// <summary>
/// Decides with which states a mirror's legs start. What the state file says wins over options and table; only where it
/// says nothing, at birth, those decide.
/// </summary>
internal sealed class MirrorStart(string name, TableLine line, Leg[] legs, MappedDeviceOptions options, string location)
{
    private readonly MirrorSpec _spec = (MirrorSpec)line.Target;

    /// <exception cref="MapperException">
    /// The options name a leg that there is not, or contradict each other.
    /// </exception>
    public void CheckOptions()
    {
        if (options.SyncFrom is { } leg && (leg < 0 || leg >= legs.Length))
        {
            throw new MapperException(
                $"{name}: --sync-from {leg} names no leg; legs are counted from 0, so take one from 0 to "
                + $"{legs.Length - 1}");
        }
        if (options is { SyncFrom: not null, AssumeClean: true })
            throw new MapperException($"{name}: --sync-from and --assume-clean exclude each other; choose one");
    }

    /// <summary>The start of a mirror that has no state file.</summary>
    /// <exception cref="BirthException">The legs hold data and nobody says what is to become of it.</exception>
    public async ValueTask<MirrorPlan> BirthAsync()
    {
        var states = new LegState[legs.Length];
        int source = 0;
        int? copyFrom = options.SyncFrom ?? (_spec.Sync == MirrorSync.Sync && !options.AssumeClean ? 0 : null);
        if (copyFrom is { } leg)
        {
            source = leg;
            Array.Fill(states, LegState.Copying);
            states[leg] = LegState.InSync;
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
        return new MirrorPlan(options.NewVolumeId(), 0, source, states, new LegFailure?[legs.Length], false, true);
    }

    /// <summary>The start of a mirror whose state file was read.</summary>
    /// <exception cref="MapperException">The file is of another mirror, or no leg can be trusted.</exception>
    public MirrorPlan Resume(MirrorState state)
    {
        if (state.LengthSectors != line.Length.Count)
        {
            throw new MapperException(
                $"{name}: the state file {location} is of a mirror of {state.LengthSectors} sectors and the table says "
                + $"{line.Length}; restore the table, or remove the file and say --sync-from LEG with the leg that is "
                + "right");
        }
        var states = new LegState[legs.Length];
        var failures = new LegFailure?[legs.Length];
        for (int i = 0; i < legs.Length; i++)
        {
            LegRecord? record = state.Legs.FirstOrDefault(
                r => r.OffsetSectors == legs[i].Offset.Count && legs[i].Identity.IsSameAs(r.Identity));
            states[i] = record?.State ?? LegState.Stale;
            failures[i] = record?.Failure;
        }
        int source = ChooseSource(states);
        // Who is in sync is so with the others in sync: not after a stop with writes in flight, nor with a source that
        // may differ from them.
        bool vouched = state.Clean && states[source] == LegState.InSync;
        for (int i = 0; i < legs.Length; i++)
        {
            if (i == source)
                states[i] = LegState.InSync;
            else if (states[i] == LegState.InSync && !vouched)
                states[i] = LegState.MayDiffer;
            else if (states[i] == LegState.Stale && options.SyncFrom is not null)
                states[i] = LegState.Copying;
            if (states[i] != LegState.Stale)
                failures[i] = null;
        }
        return new MirrorPlan(state.Volume, state.Epoch, source, states, failures, !state.Clean, false);
    }

    private int ChooseSource(LegState[] states)
    {
        int first = Array.IndexOf(states, LegState.InSync);
        if (first < 0)
            first = Array.IndexOf(states, LegState.MayDiffer);
        if (first < 0)
        {
            throw new MapperException(
                $"{name}: none of the legs is one that the state file {location} knows to be in sync (moved, copied or "
                + "newly created files count as others); give the table the legs that it names, or remove it and say "
                + "--sync-from LEG with the leg that is right");
        }
        if (options.SyncFrom is not { } chosen || chosen == first)
            return first;
        if (states[chosen] is LegState.InSync or LegState.MayDiffer)
            return chosen;
        throw new MapperException(
            $"{name}: --sync-from {chosen} would copy a leg that lacks data over the good one; say --sync-from "
            + $"{first}. To give up what only leg {first} has, remove {location} first");
    }

    private async ValueTask<Leg?> FindDataAsync()
    {
        foreach (Leg leg in legs)
        {
            IReadOnlyList<BlockExtent> extents = await leg.Device.ReadExtentsAsync(leg.Offset, line.Length);
            if (extents.Any(extent => extent.Kind != ExtentKind.Hole))
                return leg;
        }
        return null;
    }
}
