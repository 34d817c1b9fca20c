using DmIo.Mapper;

namespace DmIo.Daemon.Control;

/// <summary>A range in which legs that should be identical differ.</summary>
/// <param name="Sector">First sector, on the volume.</param>
/// <param name="Count">How many.</param>
/// <param name="Groups">The legs, those with the same contents together.</param>
/// <param name="FirstByte">The first byte that differs, counted from the beginning of the volume.</param>
/// <param name="Values">What each leg has there; null for one that was not compared.</param>
/// <param name="Outcome">What became of it: told, repaired, undecided or failed.</param>
internal sealed record MismatchInfo(
    long Sector, long Count, IReadOnlyList<IReadOnlyList<int>> Groups, long FirstByte, IReadOnlyList<int?> Values, string Outcome)
{
    public static MismatchInfo Of(ScrubMismatch mismatch) => new(
        mismatch.Start.Count, mismatch.Count.Count, mismatch.Groups, mismatch.FirstByte,
        [.. mismatch.Values.Select(value => (int?)value)], ControlWords.Of(mismatch.Outcome));
}
