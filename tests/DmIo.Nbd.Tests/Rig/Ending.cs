namespace DmIo.Nbd.Tests;

/// <summary>How a client's connection ends.</summary>
internal enum Ending
{
    /// <summary>Its process dies or closes the socket.</summary>
    Closed,

    /// <summary>Both ways are shut, as the kernel's client does after a time-out, and the socket stays.</summary>
    ShutDown,

    /// <summary>A reset, over TCP alone.</summary>
    Reset,

    /// <summary>The sending side is closed, and replies are waited for.</summary>
    HalfClosed,
}
