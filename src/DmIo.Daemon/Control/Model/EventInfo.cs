using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>Something that happened to a volume.</summary>
internal sealed record EventInfo
{
    public const string LostKind = "lost";

    /// <summary>Counts all events of this run of the daemon from 1.</summary>
    public required long Sequence { get; init; }

    /// <summary>The volume's event number after it; 0 where it is about none.</summary>
    public required long Number { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>Empty where it is about none.</summary>
    public required string Volume { get; init; }

    /// <summary>
    /// What happened, in one word: legFailed, legReturned, recoveryBegan and so on; lost, with their count and the sequence
    /// number of the last one, where events are missing.
    /// </summary>
    public required string Kind { get; init; }

    /// <summary>A sentence for people.</summary>
    public required string Text { get; init; }

    /// <summary>The target's status line, as it was right after.</summary>
    public string? Status { get; init; }

    public int? Leg { get; init; }

    public string? Device { get; init; }

    public string? Operation { get; init; }

    public long? Sector { get; init; }

    public long? Region { get; init; }

    public long? Count { get; init; }

    /// <summary>How many of them were repaired.</summary>
    public long? Repaired { get; init; }

    public string? Errno { get; init; }

    public ulong? ErrorBits { get; init; }

    /// <summary>Stands for events that are not kept any more.</summary>
    /// <param name="count">How many.</param>
    /// <param name="next">The one behind them.</param>
    /// <param name="volume">The only volume that is asked for, if so.</param>
    /// <param name="kept">How many events are kept.</param>
    public static EventInfo Lost(long count, VolumeEvent next, string? volume, int kept) => new()
    {
        Sequence = next.Sequence - 1,
        Number = 0,
        Time = next.Time,
        Volume = "",
        Kind = LostKind,
        Text = $"{count} events{(volume is null ? "" : ", of whatever device,")} are lost: the daemon keeps the latest {kept}, "
            + "and more came before they were read",
        Count = count,
    };

    public static EventInfo Of(VolumeEvent e) => new()
    {
        Sequence = e.Sequence,
        Number = e.Number,
        Time = e.Time,
        Volume = e.Volume,
        Kind = ControlWords.Of(e.Kind),
        Text = e.Text,
        Status = e.Status.Length == 0 ? null : e.Status,
        Leg = e.Details.Leg,
        Device = e.Details.Device,
        Operation = e.Details.Operation is { } operation ? ControlWords.Of(operation) : null,
        Sector = e.Details.Sector,
        Region = e.Details.Region,
        Count = e.Details.Count,
        Repaired = e.Details.Repaired,
        Errno = e.Details.Errno?.ToString(),
        ErrorBits = e.Details.ErrorBits,
    };
}
