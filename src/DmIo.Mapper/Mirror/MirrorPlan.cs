namespace DmIo.Mapper;

/// <summary>With which states a mirror starts, and why.</summary>
/// <param name="Volume">The volume's id.</param>
/// <param name="Epoch">How often the set of good legs has shrunk.</param>
/// <param name="Source">The leg that is right wherever legs may differ.</param>
/// <param name="States">The state of each leg.</param>
/// <param name="Failures">What each leg failed, where that is known.</param>
/// <param name="WasUnclean">The program ended without a clean stop.</param>
/// <param name="IsNew">There was no state file.</param>
internal sealed record MirrorPlan(
    Guid Volume, long Epoch, int Source, LegState[] States, LegFailure?[] Failures, bool WasUnclean, bool IsNew);
