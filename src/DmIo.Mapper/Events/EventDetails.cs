namespace DmIo.Mapper;

/// <summary>What an event is about, as far as it applies.</summary>
public readonly record struct EventDetails
{
    /// <summary>The leg, counted from 0.</summary>
    public int? Leg { get; init; }

    /// <summary>The word that the table has for the device.</summary>
    public string? Device { get; init; }

    /// <summary>What was asked of it.</summary>
    public BlockOperation? Operation { get; init; }

    /// <summary>First sector, on the device; of a check, on the volume.</summary>
    public long? Sector { get; init; }

    /// <summary>First region of the mirror.</summary>
    public long? Region { get; init; }

    /// <summary>How many sectors or regions.</summary>
    public long? Count { get; init; }

    /// <summary>Why it failed.</summary>
    public Errno? Errno { get; init; }

    /// <summary>The failing legs: bit i for leg i.</summary>
    public ulong? ErrorBits { get; init; }

    /// <summary>How many sectors were repaired; null where nothing was to be.</summary>
    public long? Repaired { get; init; }
}
