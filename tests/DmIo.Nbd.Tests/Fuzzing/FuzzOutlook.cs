namespace DmIo.Nbd.Tests;

/// <summary>What must become of a connection, by what was sent on it.</summary>
internal enum FuzzOutlook
{
    /// <summary>It stays.</summary>
    Open,

    /// <summary>Everything that came before is answered, then the server closes.</summary>
    ClosesInOrder,

    /// <summary>The server closes, with what it owes unsaid.</summary>
    Closes,
}
