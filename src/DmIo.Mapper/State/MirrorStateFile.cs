namespace DmIo.Mapper;

/// <summary>A mirror's knowledge as the contents of its state file, and back.</summary>
internal sealed class MirrorStateFile(MappedDevice host, TableLine line, LegSet legs, Func<string> table)
{
    /// <inheritdoc cref="MappedDeviceOptions.Grows"/>
    public bool MayGrow { get; init; }

    public Guid Volume { get; set; }

    public long Epoch { get; set; }

    /// <summary>The log device's contents are not to be believed.</summary>
    public bool IsLogLost { get; set; }

    /// <summary>Reads the file; null when there is none.</summary>
    /// <exception cref="MapperException">It cannot be read, is damaged, or is of another mirror.</exception>
    public async Task<MirrorState?> ReadAsync(IStateStore store)
    {
        MirrorState? state;
        try
        {
            state = await store.ReadAsync() is { } text ? MirrorStateJson.Read(text, host.Name, store.Location) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MapperException(
                $"{host.Name}: its state file {store.Location} cannot be read ({e.Message}); make it readable, or "
                + "name another directory with --state-dir");
        }
        if (state is null)
            return null;
        if (state.LengthSectors != line.Length.Count && !HasGrown(state))
        {
            throw new MapperException(
                $"{host.Name}: the state file {store.Location} is of a mirror of {state.LengthSectors} sectors and the "
                + $"table says {line.Length}; restore the table, or remove the file and say --sync-from LEG with the leg "
                + "that is right");
        }
        if (state.RegionSectors != legs.RegionSize.Count)
        {
            throw new MapperException(
                $"{host.Name}: the state file {store.Location} counts in regions of {state.RegionSectors} sectors and the "
                + $"table says {legs.RegionSize}; restore the table's region size, or remove the file and say --sync-from "
                + "LEG with the leg that is right");
        }
        return state;
    }

    /// <summary>Replaces the file.</summary>
    public async Task<Errno> WriteAsync(IStateStore store, bool clean)
    {
        try
        {
            return await store.ReplaceAsync(MirrorStateJson.Write(Snapshot(clean)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Errno.EIO;
        }
    }

    /// <summary>What a state file says of the legs of the table, wherever they stand in it.</summary>
    /// <exception cref="MapperException">It names regions that there are not.</exception>
    public RecordedMirror Recorded(MirrorState state, string location)
    {
        try
        {
            return Interpret(state);
        }
        catch (FormatException e)
        {
            throw MirrorStateJson.Damaged(host.Name, location, e.Message);
        }
    }

    private RecordedMirror Interpret(MirrorState state)
    {
        var recorded = new RecordedMirror(legs.Regions, legs.Legs.Length)
        {
            Volume = state.Volume,
            Epoch = state.Epoch,
            IsClean = state.Clean,
            IsUnwritten = state.Unwritten,
        };
        if (!state.Clean)
            recorded.Dirty.Fill();
        recorded.SetLength(new Sectors(state.LengthSectors), legs);
        RegionRanges.AddTo(recorded.GivenUp, state.GivenUp, legs.Regions);
        var unclaimed = state.Legs.ToList();
        // Who is there is known by its identity, and so goes before those of whom there is only a word, which may have been
        // another leg's.
        foreach (Leg leg in legs.Legs.ToArray().OrderBy(leg => !leg.IsPresent))
        {
            LegRecord? record = unclaimed.Find(r => r.OffsetSectors == leg.Offset.Count && IsOf(r.Identity, leg));
            if (record is null)
                continue;
            unclaimed.Remove(record);
            if (!leg.IsPresent)
                leg.Identity = record.Identity;
            var lacks = new RegionSet(legs.Regions);
            RegionRanges.AddTo(lacks, record.Lacks, legs.Regions);
            if (!state.Clean && !record.InSet)
                lacks.Fill();
            recorded.Legs[leg.Index] = new RecordedLeg(lacks, record.Diverged, record.Failure)
            {
                IsFailedByHand = record.FailedByHand == true,
            };
        }
        return recorded;
    }

    private static bool IsOf(LegIdentity recorded, Leg leg) => leg.IsPresent
        ? leg.Identity.IsSameAs(recorded)
        : recorded.Name == leg.Place.Argument || recorded.Name == Path.GetFullPath(leg.Device.Name);

    private bool HasGrown(MirrorState state) =>
        MayGrow && state.LengthSectors < line.Length.Count && state.Clean
        && state.Legs.All(leg => leg.InSet && leg.Lacks is null or { Count: 0 });

    /// <summary>The state as text: for the file, and for the description in a record.</summary>
    public MirrorState Snapshot(bool clean, bool withRegions = true)
    {
        var records = new LegRecord[legs.Legs.Length];
        foreach (Leg leg in legs.Legs)
        {
            records[leg.Index] = new LegRecord
            {
                Identity = leg.Identity,
                OffsetSectors = leg.Offset.Count,
                InSet = leg.IsInSet,
                Diverged = leg.IsDiverged,
                FailedByHand = leg.IsFailedByHand ? true : null,
                Lacks = withRegions ? RegionRanges.Of(leg.Recorded) : null,
                Failure = leg.Failure,
            };
        }
        return new MirrorState
        {
            Volume = Volume,
            Device = host.Name,
            StartSector = line.Start.Count,
            LengthSectors = line.Length.Count,
            RegionSectors = legs.RegionSize.Count,
            Table = table(),
            Epoch = Epoch,
            Clean = clean && legs.MayDiffer.Count == 0,
            Unwritten = legs.Rewrite.Count > 0,
            LogLost = IsLogLost,
            GivenUp = withRegions ? RegionRanges.Of(legs.GivenUp) : null,
            Legs = records,
        };
    }
}
