namespace DmIo.Mapper;

/// <summary>What came of mending a range that a leg could not read.</summary>
internal enum MendOutcome
{
    /// <summary>The leg cannot be mended there, or the log cannot say that the region changes.</summary>
    Failed,

    /// <summary>Nothing was done; the next read that fails asks again.</summary>
    PutOff,

    /// <summary>The leg can be read there, with what is right.</summary>
    Mended,
}
