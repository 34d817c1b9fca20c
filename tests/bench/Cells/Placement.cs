namespace DmIo.SideBySide.Cells;

/// <summary>Where the server's threads may run; the client is always pinned to the last core.</summary>
internal enum Placement
{
    /// <summary>Anywhere.</summary>
    Free,

    /// <summary>On the client's core only.</summary>
    SameCore,

    /// <summary>On the first core only.</summary>
    OtherCore,
}
