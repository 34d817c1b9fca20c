namespace DmIo.Mapper.Tests;

/// <summary>The faults that <see cref="MirrorSimulation"/> is known to notice.</summary>
internal static class PlantedFaults
{
    public static IReadOnlyList<PlantedFault> All { get; } =
    [
        OnLegs("flushes of legs do nothing", device => new PlantedDevice(device) { Swallows = IsFlush }),
        OnLegs("FUA does not reach the legs", device => new PlantedDevice(device) { Changes = WithoutFua }),
        new("a preflush is not done")
        {
            Volume = device => new PlantedDevice(device) { InPlace = true, Changes = WithoutPreflush },
        },
        OnLegs("discards reach the legs as such", device => new PlantedDevice(device) { Changes = AsDiscard }),
        OnLegs("a leg that fails a write is not noted", device => new PlantedDevice(device) { Hides = IsWrite }),
        OnLegs("a leg that fails a flush is not noted", device => new PlantedDevice(device) { Hides = IsFlush }),
        new("flushes of the log do nothing")
        {
            LogDevice = device => new PlantedDevice(device) { Swallows = IsFlush },
        },
        OnLog("data is written before the region is durably dirty", (log, legs) =>
            new PlantedLog(log, legs) { HidesDirtyTickets = true }),
        OnLog("a write is acknowledged before the record says who lacks it", (log, legs) =>
            new PlantedLog(log, legs) { HidesRecordTickets = true }),
        OnLog("the record never says who lacks something", (log, legs) =>
            new PlantedLog(log, legs) { ForgetsLacks = true }),
        OnLog("regions that a leg lacks are marked clean", (log, legs) =>
            new PlantedLog(log, legs) { CleansWhatIsLacked = true }),
        OnLog("the first leg is right after a crash, as for the kernel", (log, legs) =>
            new PlantedLog(log, legs) { Opened = BelieveFirst }),
        OnLog("what a crash left different is taken for alike", (log, legs) =>
            new PlantedLog(log, legs) { Opened = recorded => recorded.Dirty.Clear() }),
        new("a log that was lost is believed")
        {
            Store = store => new PlantedStore(store, text => text.Replace("\"logLost\": true", "\"logLost\": false")),
        },
        new("a mirror without a log that was cut off is taken for one that was stopped")
        {
            Store = store => new PlantedStore(store, text => text.Replace("\"clean\": false", "\"clean\": true")),
        },
        new("legs are known by their place") { IgnoresIdentity = true },
        InEngine("regions are marked clean before the legs are flushed", EngineFaults.CleanBeforeFlush),
        InEngine("recovery takes no turns", EngineFaults.NoTurnsInRecovery),
        InEngine("copies are believed before they are durable", EngineFaults.BelievesUnflushedCopies),
        InEngine("copies to legs that left and returned are believed", EngineFaults.BelievesOutdatedCopies),
        InEngine("legs are read that lack the region", EngineFaults.ReadsWhatIsLacked),
        InEngine("legs are believed that have just failed a flush", EngineFaults.ReadsFromSuspects),
        InEngine("the anchor names legs before the bitmaps do", EngineFaults.AnchorBeforeBitmaps),
        InEngine("the last holder is dropped", EngineFaults.DropsLastHolder),
        InEngine("the log is written over what may still land", EngineFaults.WritesOverLateLog),
        InEngine("a flush does not wait for legs that are behind", EngineFaults.FlushesBesideLaggards),
        InEngine("legs are read that are behind", EngineFaults.ReadsFromLaggards),
        InEngine("repairs take no turns", EngineFaults.NoTurnsInRepair),
        InEngine("writes that are held are never answered", EngineFaults.ForgetsHeldWrites),
    ];

    private static PlantedFault OnLegs(string name, Func<BlockDevice, BlockDevice> leg) => new(name) { Leg = leg };

    private static PlantedFault OnLog(string name, Func<RegionLog, LegSet, RegionLog> log) => new(name) { Log = log };

    private static PlantedFault InEngine(string name, EngineFaults fault) => new(name) { Engine = fault };

    private static bool IsFlush(BlockRequest request) => request.Operation == BlockOperation.Flush;

    private static bool IsWrite(BlockRequest request) => request.Operation == BlockOperation.Write;

    private static void WithoutFua(BlockRequest request) => request.Flags &= ~BlockFlags.Fua;

    private static void WithoutPreflush(BlockRequest request) => request.Flags &= ~BlockFlags.Preflush;

    private static void AsDiscard(BlockRequest request)
    {
        if (request.Operation == BlockOperation.WriteZeroes && (request.Flags & BlockFlags.NoUnmap) == 0)
            request.Operation = BlockOperation.Discard;
    }

    private static void BelieveFirst(RecordedMirror recorded)
    {
        if (!recorded.WasCut || recorded.Legs.Contains(null))
            return;
        recorded.Legs[0]!.Lacks.ExceptWith(recorded.Dirty);
        foreach (RecordedLeg? other in recorded.Legs.Skip(1))
            other!.Lacks.UnionWith(recorded.Dirty);
    }
}
