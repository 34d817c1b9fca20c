namespace DmIo.Mapper;

/// <summary>
/// Whole regions on their way through the copy: several small regions in one chunk, or one large region in many.
/// </summary>
internal sealed class CopySpan(long firstRegion, long lastRegion)
{
    public long FirstRegion => firstRegion;

    public long LastRegion => lastRegion;

    /// <summary>Chunks under way.</summary>
    public int Outstanding { get; set; }

    /// <summary>Whether every chunk of the span has been started.</summary>
    public bool IsIssued { get; set; }

    /// <summary>The source could not be read somewhere in the span.</summary>
    public bool IsUnreadable { get; set; }

    /// <summary>The legs may have come to differ again while the span was copied.</summary>
    public bool IsDisturbed { get; set; }
}
