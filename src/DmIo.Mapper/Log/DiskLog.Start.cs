namespace DmIo.Mapper;

// Beginning a log, taking one over, and giving it back.
internal sealed partial class DiskLog
{
    private readonly int[] _slotOfLeg = new int[MirrorSpec.MaxLegs];
    private RegionSet _foundGivenUp;
    private ulong _knownLegs;
    private bool _wasActive;
    private bool _isNew;

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
