namespace DmIo.Nbd.Tests;

/// <summary>The server that a case meets.</summary>
internal enum FuzzWorldKind
{
    /// <summary>Over a Unix socket, with the usual limits.</summary>
    Unix,

    /// <summary>Over TCP, where ends look different.</summary>
    Tcp,

    /// <summary>Over a Unix socket, with the tightest limits: everything waits for everything.</summary>
    Tight,
}
