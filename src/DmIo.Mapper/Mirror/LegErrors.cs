namespace DmIo.Mapper;

/// <summary>The kinds of failure that a leg has shown (dm-semantics B.2).</summary>
[Flags]
internal enum LegErrors
{
    None = 0,

    /// <summary>R: a read failed; the data elsewhere is intact.</summary>
    Read = 1,

    /// <summary>S: copying from it or to it failed.</summary>
    Sync = 2,

    /// <summary>D: a write or a client's flush failed, the leg is out of sync.</summary>
    Write = 4,

    /// <summary>F: a flush of the mirror's own failed.</summary>
    Flush = 8,
}
