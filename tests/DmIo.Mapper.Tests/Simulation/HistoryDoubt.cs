namespace DmIo.Mapper.Tests;

/// <summary>What a failed flush did to a change.</summary>
internal enum HistoryDoubt
{
    None,

    /// <summary>No later flush makes it durable.</summary>
    NeverDurable,

    /// <summary>It may be gone already.</summary>
    MayBeGone,
}
