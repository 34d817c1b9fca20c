namespace DmIo.Mapper;

/// <summary>How a mirror's regions are, the least remarkable first.</summary>
public enum RegionState
{
    /// <summary>All legs are identical.</summary>
    InSync,

    /// <summary>Changed lately, and not yet known to be durable on all legs.</summary>
    Dirty,

    /// <summary>A leg lacks something, or legs may differ.</summary>
    OutOfSync,

    /// <summary>Being copied.</summary>
    Copying,
}
