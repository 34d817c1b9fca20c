namespace DmIo.Mapper;

/// <summary>A run of blocks of a mirror in which the same legs have the same contents, and not all do.</summary>
/// <param name="Start">First sector, on the mirror.</param>
/// <param name="Count">How many.</param>
/// <param name="Groups">Which legs are alike.</param>
/// <param name="FirstByte">The first byte that differs, on the mirror.</param>
/// <param name="Values">What each leg of the table has there.</param>
internal sealed record ComparedRange(Sectors Start, Sectors Count, LegGroups Groups, long FirstByte, byte?[] Values);
