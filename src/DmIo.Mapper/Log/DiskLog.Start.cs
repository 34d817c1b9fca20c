namespace DmIo.Mapper;

// Opening, taking over and giving back.
internal sealed partial class DiskLog
{
    private readonly int[] _slotOfLeg = new int[MirrorSpec.MaxLegs];
    private RegionSet _foundGivenUp;
    private ulong _knownLegs;
    private bool _wasActive;
    private bool _isNew;

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

    public override async ValueTask<Errno> BeginAsync(Guid volume, long epoch)
    {
        _options.File.Volume = volume;
        _options.File.Epoch = epoch;
        PlaceArea();
        AssignSlots();
        string text = MirrorStateJson.Write(_options.File.Snapshot(false, withRegions: false));
        Errno errno = await _area!.DescribeAsync(text);
        if (errno == Errno.None)
            errno = await (_isNew ? CreateAsync(volume, epoch) : TakeOverAsync(volume, epoch));
        if (IsLate)
            throw Silent();
        return errno == Errno.None && _options.File.IsLogLost ? await SayFoundAsync() : errno;
    }

    // Until the anchor is there the log is nobody's: its version is not the kernel's.
    private async Task<Errno> CreateAsync(Guid volume, long epoch)
    {
        _image.Activate(MirrorSync.NoSync);
        _image.Version = OwnVersion;
        SetOutOfSyncDirty();
        NoteFinalRecord();
        Errno errno = await WriteBitsAsync(flush: true);
        if (errno != Errno.None)
            return errno;
        FillAnchor(volume, epoch, Legs.All);
        return await WriteAnchorAsync();
    }

    // Step by step, each durable before the next, so that after a crash in between either the state that was found holds,
    // or the new one, or no leg is taken to hold what it lacks in any of them.
    private async Task<Errno> TakeOverAsync(Guid volume, long epoch)
    {
        var givenUp = new RegionSet(Legs.Regions);
        givenUp.UnionWith(Legs.GivenUp);
        _image.NoteChanged(0, _image.Bytes.Length / _blockBytes);
        if (_wasActive)
        {
            Legs.GivenUp.Clear();
            Legs.GivenUp.UnionWith(_foundGivenUp);
            Errno kept = await WriteFoundAsync();
            if (kept != Errno.None)
                return kept;
            Legs.GivenUp.UnionWith(givenUp);
        }
        Legs.GivenUp.UnionWith(_foundGivenUp);
        foreach (Leg leg in Legs.Legs)
            leg.Recorded.UnionWith(leg.Lacks);
        if (_options.AnchorFirst)
        {
            FillAnchor(volume, epoch, Legs.All);
            _ = await WriteAnchorAsync();
        }
        NoteWholeRecord();
        Errno errno = await WriteBitsAsync(flush: true);
        if (errno == Errno.None && !_wasActive)
        {
            // Legs that are new have no place in it before the log says that they are not like the others.
            FillAnchor(volume, epoch, _knownLegs);
            errno = await WriteAnchorAsync();
        }
        if (errno != Errno.None)
            return errno;
        _image.Version = OwnVersion;
        errno = await WriteBitsAsync(flush: true);
        if (errno != Errno.None)
            return errno;
        SetOutOfSyncDirty();
        errno = await WriteBitsAsync(flush: true);
        if (errno != Errno.None)
            return errno;
        FillAnchor(volume, epoch, Legs.All);
        errno = await WriteAnchorAsync();
        if (errno != Errno.None)
            return errno;
        Legs.GivenUp.Clear();
        Legs.GivenUp.UnionWith(givenUp);
        NoteFinalRecord();
        return await WriteBitsAsync(flush: true);
    }

    // A killed program's last writes may have been read, and be durable nowhere: they are before anything rests on them. A
    // flush alone would not do, should the system have failed to write them and forgotten; so all is written again, the
    // log's bits too.
    private Task<Errno> WriteFoundAsync()
    {
        foreach (Leg leg in Legs.Legs)
        {
            // A new leg's place may be that of another, which the anchor names still.
            if ((_knownLegs & leg.Bit) != 0)
                _area!.ChangedAll(_slotOfLeg[leg.Index]);
        }
        _area!.GivenUpChanged();
        return WriteBitsAsync(flush: true);
    }

    private void SetOutOfSyncDirty()
    {
        for (long region = Legs.NextOutOfSync(0); region >= 0; region = Legs.NextOutOfSync(region + 1))
            _image.SetDirty(region);
    }

    private void NoteFinalRecord()
    {
        foreach (Leg leg in Legs.Legs)
        {
            leg.Recorded.Clear();
            leg.Recorded.UnionWith(leg.Lacks);
        }
        NoteWholeRecord();
    }

    public override async ValueTask<Errno> EndAsync()
    {
        while (_isCommitting)
            await _committing;
        // No retry of a commit comes between.
        _isCommitting = true;
        Errno errno = await WriteEndAsync();
        _isCommitting = false;
        return errno;
    }

    private async Task<Errno> WriteEndAsync()
    {
        Errno errno = await WriteBitsAsync(flush: true);
        if (errno != Errno.None)
            return _options.File.IsLogLost ? Errno.None : errno;
        bool all = Legs.Set == Legs.All && Legs.IsWhole && Legs.GivenUp.Count == 0
            && _image.CleanCount == Legs.Regions && !_anchor.Slots.Any(slot => slot.IsDiverged);
        _anchor.IsActive = !all;
        _anchor.IsClean = Legs.MayDiffer.Count == 0;
        errno = await WriteAnchorAsync();
        if (errno == Errno.None && all)
        {
            _image.Version = KernelVersion;
            errno = await WriteBitsAsync(flush: true);
        }
        return errno == Errno.None && _options.File.IsLogLost ? await SayFoundAsync() : errno;
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

    private void PlaceArea()
    {
        if (_area is not null)
            return;
        long behind = RecordArea.OffsetBehind(_image.Bytes.Length);
        long size = RecordArea.SizeOf(Legs.Regions);
        bool known = _anchor.AreaBytes != 0 || _anchor.IsSidecar;
        if (!known)
        {
            _anchor.IsSidecar = _writer.Device.Length.Bytes < behind + size;
            _anchor.AreaBytes = _anchor.IsSidecar ? 0 : behind;
            _anchor.StrideBytes = RecordArea.StrideOf(Legs.Regions);
        }
        _areaWriter = _anchor.IsSidecar ? WriterOf(_options.OpenSidecar(size)) : _writer;
        int block = Math.Max(_blockBytes, _areaWriter.Device.LogicalBlockBytes);
        _area = new RecordArea(Legs, _areaWriter, _anchor.AreaBytes, block);
    }

    private void AssignSlots()
    {
        foreach (Leg leg in Legs.Legs)
        {
            if (_slotOfLeg[leg.Index] < 0)
                _slotOfLeg[leg.Index] = Enumerable.Range(0, MirrorSpec.MaxLegs).First(i => Array.IndexOf(_slotOfLeg, i) < 0);
            _area!.Assign(_slotOfLeg[leg.Index], leg);
        }
    }

    private void NoteWholeRecord()
    {
        foreach (Leg leg in Legs.Legs)
            _area!.ChangedAll(_slotOfLeg[leg.Index]);
        _area!.GivenUpChanged();
    }

    private void FillAnchor(Guid volume, long epoch, ulong legs)
    {
        _anchor.Volume = volume;
        _anchor.Epoch = epoch;
        _anchor.Length = Legs.Length;
        _anchor.RegionSize = Legs.RegionSize;
        _anchor.IsActive = true;
        _anchor.IsClean = false;
        for (int i = 0; i < _anchor.Slots.Length; i++)
        {
            int leg = Array.IndexOf(_slotOfLeg, i);
            if (leg < 0 || leg >= Legs.Legs.Length || (legs >> leg & 1) == 0)
            {
                _anchor.Slots[i] = default;
                continue;
            }
            UInt128 identity = Legs[leg].IsPresent
                ? Legs[leg].Identity.Canonical is { } canonical ? RecordAnchor.Fingerprint(canonical) : 0
                : _anchor.Slots[i].Identity;
            _anchor.Slots[i] = new RecordSlot(
                identity, RecordAnchor.Fingerprint(Legs[leg].Place.Argument), Legs[leg].Offset,
                Legs[leg].IsPresent ? Legs[leg].Identity.SizeBytes : _anchor.Slots[i].SizeBytes, true,
                Legs[leg].IsDiverged, Legs[leg].IsFailedByHand);
        }
    }
}
