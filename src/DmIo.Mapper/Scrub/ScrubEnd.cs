namespace DmIo.Mapper;

/// <summary>How a check or a repair ended.</summary>
public enum ScrubEnd
{
    /// <summary>It came to the end of the mirror.</summary>
    Complete,

    /// <summary>It was cancelled; the next one goes on where it was.</summary>
    Cancelled,

    /// <summary>The device was stopped.</summary>
    Stopped,

    /// <summary>Legs left the set, so that there was nothing to compare any more, or not the leg that was to be right.</summary>
    LegsMissing,
}
