namespace DmIo.Mapper;

// What a start finds in the log, and what it makes of it.
internal sealed partial class DiskLog
{
    public override async ValueTask<RecordedMirror?> OpenAsync()
    {
        Array.Fill(_slotOfLeg, -1);
        BlockDevice device = _writer.Device;
        if (device.Length.Bytes < _image.Bytes.Length)
        {
            throw Refused(
                $"is too small: need {_image.Bytes.Length} bytes and it has {device.Length.Bytes}; make it longer, or take "
                + "a larger region size");
        }
        // What was waited for was durable then; what was not may be lost, and the log may say dirty for clean.
        _ = device.TakeOldError();
        await ReadOrRefuseAsync(_writer.ReadAsync(0, _image.Bytes), "");
        RecordAnchor? anchor = ReadAnchor();
        bool hadMagic = _image.HasMagic;
        uint version = _image.Version;
        // What is in the log when it was lost counts for nothing; and without an anchor a header with this program's
        // version is of a birth that was cut off.
        _isNew = true;
        if (await ReadLostAsync(anchor) is { } lost)
            return lost;
        if (anchor is null && (!hadMagic || version == OwnVersion))
            return null;
        _isNew = false;
        if (anchor is not null)
            CheckGeometry(anchor, hadMagic);
        else
            CheckRegionCount();
        if (_image.Activate(anchor is null ? _options.Sync : MirrorSync.Unsaid).Kind == LogActivationKind.Incompatible)
        {
            throw Refused(
                $"is of version {version} and this program knows versions {OwnVersion} and {KernelVersion}; use the program "
                + "that wrote it, or name another log");
        }
        // What activation does to it is for the kernel.
        _image.Version = version;
        return await InterpretAsync(anchor, version);
    }

    private MapperException Refused(string problem) => new($"{_options.Name}: the log {Location} {problem}");

    private MapperException Silent() => new(
        $"{_options.Name}: the log's device {LateDevice} does not answer within {_options.Deadline.TotalSeconds} s; look after "
        + "it, name another log, or give it more time (--leg-deadline)");

    private RecordAnchor? ReadAnchor()
    {
        RecordAnchor? anchor = RecordAnchor.Read(
            _image.Bytes.AsSpan(RecordAnchor.OffsetBytes, RecordAnchor.SizeBytes), out uint version);
        if (version > RecordAnchor.CurrentVersion)
        {
            throw Refused(
                $"has a record of version {version} and this program knows only version {RecordAnchor.CurrentVersion}; use "
                + "the newer program that wrote it");
        }
        if (version != 0 && anchor is null)
        {
            throw Refused(
                "has a damaged record, so which legs are good is not known; restore it, or overwrite its first 1024 bytes "
                + "with zeroes and say --sync-from LEG with the leg that is right");
        }
        return anchor;
    }

    private async Task<RecordedMirror?> ReadLostAsync(RecordAnchor? anchor)
    {
        MirrorState? state = await _options.File.ReadAsync(_options.Store);
        if (state is not { LogLost: true } || (anchor is not null && anchor.Volume != state.Volume))
            return null;
        _options.File.IsLogLost = true;
        MapperLog.LogWasLost(_options.Logger, _options.Name, Location, _options.Store.Location);
        return _options.File.Recorded(state with { Clean = false, Unwritten = true }, _options.Store.Location);
    }

    private void CheckGeometry(RecordAnchor anchor, bool hadMagic)
    {
        if (!hadMagic)
        {
            throw Refused(
                "has a record and no header, so something has overwritten it; overwrite its first 1024 bytes with zeroes and "
                + "say --sync-from LEG with the leg that is right");
        }
        if (anchor.RegionSize != Legs.RegionSize)
        {
            throw Refused(
                $"counts in regions of {anchor.RegionSize} sectors and the table says {Legs.RegionSize}; restore the table's "
                + "region size");
        }
        if (_options.File.MayGrow && anchor.Length < Legs.Length && !anchor.IsActive)
        {
            // Nothing of the area counts, and it has to lie elsewhere.
            anchor.AreaBytes = 0;
            anchor.IsSidecar = false;
        }
        else if (anchor.Length != Legs.Length)
        {
            throw Refused(
                $"is of a mirror of {anchor.Length} sectors and the table says {Legs.Length}; restore the table, or name "
                + "another log");
        }
    }

    // A log of the kernel's does not say what its regions are: a number that another size of region explains is refused,
    // any other is a mirror that has grown or shrunk, as the kernel takes it.
    private void CheckRegionCount()
    {
        ulong recorded = _image.RecordedRegions;
        if (_image.Version > KernelVersion || recorded == (ulong)Legs.Regions || recorded is 0 or ulong.MaxValue)
            return;
        for (long size = 2; size <= Legs.Length.Count && size <= uint.MaxValue; size <<= 1)
        {
            if (size != Legs.RegionSize.Count && (ulong)LegSet.CountRegions(Legs.Length, new Sectors(size)) == recorded)
            {
                throw Refused(
                    $"describes {recorded} regions, which are those of a region size of {size} sectors, and the table says "
                    + $"{Legs.RegionSize}; correct the table's region size");
            }
        }
    }

    private async Task<RecordedMirror> InterpretAsync(RecordAnchor? anchor, uint version)
    {
        _wasActive = anchor is { IsActive: true };
        bool interfered = _wasActive && version != OwnVersion;
        var recorded = new RecordedMirror(Legs.Regions, Legs.Legs.Length)
        {
            Volume = anchor?.Volume ?? Guid.Empty,
            Epoch = anchor?.Epoch ?? 0,
            HasRegions = true,
            IsClean = anchor is { IsActive: true, IsClean: true } && !interfered,
            FollowsKernel = !_wasActive || interfered,
            KernelInterfered = interfered,
        };
        for (long region = _image.NextDirty(0); region >= 0; region = _image.NextDirty(region + 1))
            recorded.Dirty.Add(region);
        if (anchor is null)
        {
            foreach (Leg leg in Legs.Legs)
                recorded.Legs[leg.Index] = new RecordedLeg(new RegionSet(Legs.Regions), false, null);
            _knownLegs = Legs.All;
            return recorded;
        }
        _anchor = anchor;
        recorded.SetLength(anchor.Length, Legs);
        PlaceArea();
        // Who is there is known by its identity, and so goes before those of whom there is only a word, which may have been
        // another leg's.
        foreach (Leg leg in Legs.Legs.ToArray().OrderBy(leg => !leg.IsPresent))
            await ReadLegAsync(leg, recorded);
        if (_wasActive)
        {
            await ReadOrRefuseAsync(_area!.ReadGivenUpAsync(), "has a record that ");
            recorded.GivenUp.UnionWith(Legs.GivenUp);
            _foundGivenUp = recorded.GivenUp;
        }
        return recorded;
    }

    private async Task ReadLegAsync(Leg leg, RecordedMirror recorded)
    {
        int slot = FindSlot(leg);
        if (slot < 0)
            return;
        _slotOfLeg[leg.Index] = slot;
        _knownLegs |= leg.Bit;
        var lacks = new RegionSet(Legs.Regions);
        if (_wasActive)
            await ReadOrRefuseAsync(_area!.ReadAsync(slot, lacks), "has a record that ");
        leg.Recorded.Clear();
        leg.Recorded.UnionWith(lacks);
        // Where the log says that all are identical they are, whatever else was not cleared in time.
        lacks.IntersectWith(recorded.Dirty);
        recorded.Legs[leg.Index] = new RecordedLeg(lacks, _anchor.Slots[slot].IsDiverged, null)
        {
            IsFailedByHand = _anchor.Slots[slot].IsFailedByHand,
        };
    }

    public override bool Knows(LegIdentity identity, Sectors offset) =>
        base.Knows(identity, offset)
        || _anchor.Slots.Any(slot => slot.IsUsed && slot.Offset == offset && IsIn(slot, identity));

    private int FindSlot(Leg leg)
    {
        for (int i = 0; i < _anchor.Slots.Length; i++)
        {
            RecordSlot slot = _anchor.Slots[i];
            bool same = leg.IsPresent
                ? IsIn(slot, leg.Identity)
                : slot.Name == RecordAnchor.Fingerprint(leg.Place.Argument);
            if (slot.IsUsed && same && slot.Offset == leg.Offset && Array.IndexOf(_slotOfLeg, i) < 0)
                return i;
        }
        return -1;
    }

    // It may have become longer.
    private static bool IsIn(RecordSlot slot, LegIdentity leg) =>
        Has(slot, leg) || (slot.SizeBytes > 0 && slot.SizeBytes < leg.SizeBytes && Has(slot, leg with { SizeBytes = slot.SizeBytes }));

    private static bool Has(RecordSlot slot, LegIdentity leg) =>
        leg.Canonical is { } canonical && slot.Identity == RecordAnchor.Fingerprint(canonical);

    private async Task ReadOrRefuseAsync(Task<Errno> reading, string what)
    {
        Errno errno = await reading;
        if (IsLate)
            throw Silent();
        if (errno != Errno.None)
            throw Refused($"{what}cannot be read ({errno}); repair it, or name another log");
    }
}
