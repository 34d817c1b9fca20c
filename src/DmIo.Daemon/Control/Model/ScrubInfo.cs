using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>How far a check or a repair is, or how far the last one came.</summary>
internal sealed record ScrubInfo
{
    /// <summary>Whether legs are made alike, not only compared.</summary>
    public required bool Repair { get; init; }

    /// <summary>Whether it is at work; otherwise it has ended, or the next one goes on.</summary>
    public required bool Running { get; init; }

    public required long DoneSectors { get; init; }

    public required long TotalSectors { get; init; }

    /// <summary>Bytes of the volume per second since it began or was taken up again.</summary>
    public required long RateBytes { get; init; }

    /// <summary>How long the rest takes at that rate.</summary>
    public required double SecondsLeft { get; init; }

    /// <summary>Sectors in which legs differed so far.</summary>
    public required long DifferingSectors { get; init; }

    /// <summary>Sectors that legs could not read so far.</summary>
    public required long UnreadableSectors { get; init; }

    public static ScrubInfo Of(ScrubProgress progress) => new()
    {
        Repair = progress.IsRepair,
        Running = progress.IsRunning,
        DoneSectors = progress.Done.Count,
        TotalSectors = progress.Total.Count,
        RateBytes = progress.RateBytes,
        SecondsLeft = progress.Left.TotalSeconds,
        DifferingSectors = progress.Differing.Count,
        UnreadableSectors = progress.UnreadableSectors.Count,
    };
}
