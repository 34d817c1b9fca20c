namespace DmIo.Mapper;

/// <summary>What becomes of a write while what it needs recorded cannot be.</summary>
public enum WhenUnrecorded
{
    /// <summary>It is answered EIO.</summary>
    Fail,

    /// <summary>It waits until log or record can be written again.</summary>
    Hold,
}
