namespace DmIo.Mapper;

/// <summary>What a mirror's status line says.</summary>
/// <param name="Legs">The legs as they are shown, in the order of the table.</param>
/// <param name="InSync">In how many regions all legs are identical.</param>
/// <param name="Regions">How many regions there are.</param>
/// <param name="Health">A letter for each leg.</param>
/// <param name="Log">The log device; null with a core log.</param>
internal readonly record struct MirrorStatusParts(
    IReadOnlyList<string> Legs, long InSync, long Regions, string Health, ShownLog? Log);
