namespace DmIo.Mapper.Tests;

/// <summary>What a read after a power cut or a kill says about later reads, before the sector is changed again.</summary>
public enum HistorySettling
{
    /// <summary>Nothing: each read may return anything that the cut may have left.</summary>
    Never,

    /// <summary>
    /// Later reads return the same or something newer; after a power cut that outlasts
    /// further cuts, after a kill it lasts until the next power cut.
    /// </summary>
    NotOlder,

    /// <summary>Later reads return the same; it lasts as long as for <see cref="NotOlder"/>.</summary>
    Exactly,
}
