namespace DmIo.Mapper;

/// <summary>What one worker of the copy copies at once, under one turn.</summary>
/// <param name="Span">The regions that it belongs to.</param>
/// <param name="Start">First sector on the mirror.</param>
/// <param name="Count">Length.</param>
internal readonly record struct CopyChunk(CopySpan Span, Sectors Start, Sectors Count);
