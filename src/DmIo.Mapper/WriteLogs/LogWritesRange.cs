namespace DmIo.Mapper;

/// <summary>Which entries of a log of writes are replayed.</summary>
public sealed record LogWritesRange
{
    /// <summary>The first entry.</summary>
    public long FromEntry { get; init; }

    /// <summary>The entry before which it ends; null is the end of the log.</summary>
    public long? ToEntry { get; init; }

    /// <summary>The mark behind which it begins, instead of an entry.</summary>
    public string? FromMark { get; init; }

    /// <summary>The mark before which it ends, the first of that text behind the beginning; instead of an entry.</summary>
    public string? ToMark { get; init; }

    /// <summary>Whether discarded sectors become zeroes; otherwise they keep what they hold.</summary>
    public bool Discards { get; init; } = true;
}
