namespace DmIo.Nbd.Tests;

/// <summary>The server that a case meets.</summary>
internal enum FuzzWorldKind
{
    /// <summary>Over a Unix socket, with the usual limits.</summary>
    Unix,

    /// <summary>Over TCP, where ends look different.</summary>
    Tcp,

    /// <summary>Over a Unix socket, where one connection may hardly have anything under way.</summary>
    Tight,

    /// <summary>Over a Unix socket, where all connections together have little memory, and each takes what it can.</summary>
    Crowded,
}
