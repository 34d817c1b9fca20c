namespace DmIo.Daemon.Configuration;

/// <summary>What is to be had without TLS.</summary>
internal enum TlsMode
{
    /// <summary>Everything; there is no TLS.</summary>
    Off,

    /// <summary>Nothing.</summary>
    Require,

    /// <summary>The exports that do not require it.</summary>
    Exports,
}
