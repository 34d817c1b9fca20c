namespace DmIo.Daemon.Tests;

/// <summary>What goes on while a mirror is changed.</summary>
public enum LegTroubleKind
{
    /// <summary>Nothing but the load.</summary>
    None,

    /// <summary>Blocks of the shaky leg cannot be read.</summary>
    BadReads,

    /// <summary>Blocks of the shaky leg can neither be read nor, for a while, written.</summary>
    BadWrites,

    /// <summary>The shaky leg fails wholly.</summary>
    Fails,

    /// <summary>The shaky leg fails every other second.</summary>
    ComesAndGoes,

    /// <summary>The shaky leg is slow to write.</summary>
    IsSlow,

    /// <summary>The legs are compared.</summary>
    Check,
}
