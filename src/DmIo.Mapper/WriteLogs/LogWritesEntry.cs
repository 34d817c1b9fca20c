namespace DmIo.Mapper;

/// <summary>One entry of a log of writes.</summary>
/// <param name="Index">Which one, from 0 on.</param>
/// <param name="Flags">What it is.</param>
/// <param name="Start">First sector on the device that was written.</param>
/// <param name="Count">How many sectors; zero for flushes and marks.</param>
/// <param name="Mark">The text of a mark; empty otherwise.</param>
public sealed record LogWritesEntry(long Index, LogWritesFlags Flags, Sectors Start, Sectors Count, string Mark)
{
    /// <summary>Where on the log device its data begins.</summary>
    internal Sectors DataAt { get; init; }

    internal bool HasData => Count > Sectors.Zero && (Flags & LogWritesFlags.Discard) == 0;
}
