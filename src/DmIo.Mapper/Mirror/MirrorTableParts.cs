namespace DmIo.Mapper;

/// <summary>What a mirror's table line says.</summary>
/// <param name="Legs">The legs in the order of the table.</param>
/// <param name="LogWord">The log device as it is shown; null with a core log.</param>
/// <param name="RegionSize">Sectors in a region.</param>
/// <param name="Sync">What the table said of the legs' being in sync.</param>
/// <param name="Features">What the table asked for.</param>
internal readonly record struct MirrorTableParts(
    IReadOnlyList<ShownLeg> Legs, string? LogWord, Sectors RegionSize, MirrorSync Sync, MirrorFeatures Features);
