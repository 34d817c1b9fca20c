namespace DmIo.Daemon.Configuration;

/// <summary>How a file or disk is opened, seen over everything that uses it.</summary>
internal sealed record LegUse
{
    /// <summary>The path by which it is opened: absolute, and one for all the names it goes by.</summary>
    public required string Path { get; init; }

    /// <summary>The loop on which all who use it live.</summary>
    public required int Loop { get; init; }

    public bool Direct { get; init; }

    /// <summary>No one who uses it changes it, now.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// It is opened for writing too, although no one changes it yet: nothing says that it is for reading alone, and this
    /// user may.
    /// </summary>
    public bool MayBeWritten { get; init; }

    /// <summary>Whether it is opened for reading alone.</summary>
    public bool OpensReadOnly => ReadOnly && !MayBeWritten;

    /// <summary>All who use it can do without it.</summary>
    public bool MayBeMissing { get; init; }

    /// <summary>Whoever uses it uses no other, and no other volume lives on its loop.</summary>
    public bool IsOnlyLeg { get; init; }
}
