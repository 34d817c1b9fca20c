namespace DmIo.Mapper;

/// <summary>Which leg a bitmap of the record belongs to.</summary>
/// <param name="Identity">Fingerprint of what tells the leg from others.</param>
/// <param name="Name">Fingerprint of its name, by which a leg is known whose device is missing.</param>
/// <param name="Offset">Where the mirror begins on it.</param>
/// <param name="SizeBytes">How long it was, as part of its identity; zero where that is not known.</param>
/// <param name="IsUsed">Whether there is such a leg.</param>
/// <param name="IsDiverged">It was given up by a forced start.</param>
/// <param name="IsFailedByHand">It was taken out of the set by hand.</param>
internal readonly record struct RecordSlot(
    UInt128 Identity, UInt128 Name, Sectors Offset, long SizeBytes, bool IsUsed, bool IsDiverged, bool IsFailedByHand);
