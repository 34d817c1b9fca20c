namespace DmIo.Nbd.Tests;

/// <summary>The numbers of a <see cref="FuzzStep"/>; all are zero unless something else is said.</summary>
internal enum FuzzField
{
    /// <summary>What to exclusive-or the right magic with.</summary>
    Magic,

    Type,
    Flags,
    Cookie,
    Offset,
    Length,

    /// <summary>Bytes that follow a request as its payload.</summary>
    Payload,

    /// <summary>What the payload is made of; 0: zeroes.</summary>
    Seed,

    Wide,
}
