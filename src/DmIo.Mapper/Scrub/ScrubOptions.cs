namespace DmIo.Mapper;

/// <summary>How a mirror's legs are compared.</summary>
public record ScrubOptions
{
    /// <summary>A sector of the mirror that is meant, where a device has several; null: the only one.</summary>
    public Sectors? At { get; init; }

    /// <summary>Whether it begins at the beginning although one that ended early could be gone on with.</summary>
    public bool Anew { get; init; }

    /// <summary>The most bytes of the volume per second; null: <see cref="MirrorOptions.ScrubRateBytes"/>, zero: no limit.</summary>
    public long? RateBytes { get; init; }
}
