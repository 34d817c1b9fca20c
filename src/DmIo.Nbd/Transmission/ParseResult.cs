namespace DmIo.Nbd.Transmission;

/// <summary>Why a connection stopped understanding what it has received.</summary>
internal enum ParseResult
{
    /// <summary>The next item is not complete, or the connection has ended.</summary>
    NeedsBytes,

    /// <summary>Enough was started; replies go out first.</summary>
    TurnIsOver,

    /// <summary>As much is in flight as a connection may have.</summary>
    HeldUp,

    /// <summary>The loop's memory is used up.</summary>
    WaitsForMemory,
}
