namespace DmIo.Mapper;

// The log of the mirror, and the lines that tell of both.
internal sealed partial class MirrorTarget
{
    public override string TableWords => MirrorLines.Table(new MirrorTableParts(
        [.. _places.Select(place => new ShownLeg(place.Shown, place.Offset))], _logPlace?.Shown, _spec.RegionSize,
        _spec.Sync, _spec.Features));

    public override string StatusWords
    {
        get
        {
            Span<char> health = stackalloc char[_legs.Legs.Length];
            foreach (Leg leg in _legs.Legs)
                health[leg.Index] = leg.Letter;
            return MirrorLines.Status(new MirrorStatusParts(
                [.. _places.Select(place => place.Shown)], _legs.InSyncRegions, _legs.Regions, new string(health),
                _logPlace is null ? null : new ShownLog(_logPlace.Shown, _log.Letter)));
        }
    }

    private TargetLeg? _logPlace;

    private RegionLog OpenLog(TargetLeg? place)
    {
        string file = Path.Combine(_options.StateDirectory, $"{Host.Name}.mirror-{Line.Start}.json");
        IStateStore store = _options.OpenStore(Loop, file);
        _logPlace = place;
        var stateFile = new MirrorStateFile(Host, Line, _legs, () => $"{Line.Start} {Line.Length} mirror {TableWords}")
        {
            MayGrow = _options.Grows,
        };
        if (place is null)
            return new CoreLog(Loop, store, stateFile, _legs, _options.Mirror.LogRetryAfter);
        string sidecar = Path.ChangeExtension(file, ".record");
        return new DiskLog(
            Loop, place.Device,
            new DiskLogOptions(
                Host.Name, _spec.Sync, bytes => _options.OpenSidecar(Loop, sidecar, bytes), store, stateFile,
                _options.Mirror.LegDeadline, _options.Mirror.LogRetryAfter, Host.Logger)
            {
                Tell = (kind, details) => Host.HealthChangedOf(this, kind, details),
                AnchorFirst = HasFault(EngineFaults.AnchorBeforeBitmaps),
                WritesOverLate = HasFault(EngineFaults.WritesOverLateLog),
            },
            _legs);
    }
}
