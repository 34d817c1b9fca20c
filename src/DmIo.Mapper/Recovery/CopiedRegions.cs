namespace DmIo.Mapper;

/// <summary>Regions of a span of which everything was copied, and to which legs.</summary>
internal sealed record CopiedRegions(RecoverySpan Span, List<(long Region, ulong Targets)> Regions);
