namespace DmIo.Mapper;

/// <summary>Events as sentences.</summary>
internal static class EventText
{
    public static string Of(VolumeEventKind kind, EventDetails d) => kind switch
    {
        VolumeEventKind.LegFailed => $"{Leg(d)} failed: {Failure(d)}; it stays in the set",
        VolumeEventKind.LegLeft when d.Operation is null => $"{Leg(d)} was taken out of the set",
        VolumeEventKind.LegLeft => $"{Leg(d)} failed: {Failure(d)}; it left the set",
        VolumeEventKind.LegReturned => $"{Leg(d)} returned to the set and lacks {d.Count} regions",
        VolumeEventKind.LegInSync => $"{Leg(d)} is in sync",
        VolumeEventKind.RecoveryBegan => $"recovery began, {d.Count} regions",
        VolumeEventKind.RecoveryIncomplete => $"recovery is incomplete, {d.Count} regions are left",
        VolumeEventKind.ReadRepaired => $"{Leg(d)} was repaired: {Place(d)}",
        VolumeEventKind.RecordFailed => $"{d.Device} cannot be written: {d.Errno}",
        VolumeEventKind.RecordWorks => $"{d.Device} can be written again",
        VolumeEventKind.LogFailed => $"the log {d.Device} failed",
        VolumeEventKind.LogWorks => $"the log {d.Device} works again",
        VolumeEventKind.TableLoaded => "a table was loaded; the next resume takes it",
        VolumeEventKind.Suspended => "suspended",
        VolumeEventKind.Resumed => "resumed",
        VolumeEventKind.Mismatch when d.Repaired > 0 => $"legs {Bits(d)} differed and were repaired: {Place(d)}",
        VolumeEventKind.Mismatch => $"legs {Bits(d)} differ: {Place(d)}",
        VolumeEventKind.ScrubBegan => $"comparing the legs began at sector {d.Sector}",
        VolumeEventKind.ScrubEnded when d.Repaired is not null =>
            $"comparing the legs ended, {d.Count} sectors differed and {d.Repaired} were repaired",
        VolumeEventKind.ScrubEnded => $"comparing the legs ended, {d.Count} sectors differed",
        _ => "the status changed",
    };

    private static string Leg(EventDetails d) => $"leg {d.Leg} {d.Device}";

    private static string Failure(EventDetails d) =>
        $"{d.Operation} at sector {d.Sector}: {d.Errno}, error bits {Bits(d)}";

    private static string Place(EventDetails d) => $"sector {d.Sector}, {d.Count} sectors";

    private static string Bits(EventDetails d) => $"0x{d.ErrorBits ?? 0:x}";
}
