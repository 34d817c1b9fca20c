namespace DmIo.Mapper;

/// <summary>
/// What a mirror that was let go of knew of a leg, for the mirror that another table makes of it in the same life: it may
/// not have been recorded.
/// </summary>
/// <param name="Identity">Which leg.</param>
/// <param name="Offset">Where the mirror begins on it.</param>
/// <param name="RegionSize">Sectors in a region.</param>
/// <param name="Lacks">The regions that it lacks.</param>
internal sealed record CarriedLeg(LegIdentity Identity, Sectors Offset, Sectors RegionSize, RegionSet Lacks);
