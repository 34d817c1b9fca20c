namespace DmIo.Mapper;

/// <summary>A range in which legs that should be identical differ.</summary>
/// <param name="Start">First sector, on the volume.</param>
/// <param name="Count">How many.</param>
/// <param name="Groups">The legs, those with the same contents together, the one with the lowest leg first.</param>
/// <param name="FirstByte">The first byte that differs, counted from the beginning of the volume.</param>
/// <param name="Values">What each leg of the table has there; null for one that was not compared.</param>
/// <param name="Outcome">What became of it.</param>
public sealed record ScrubMismatch(
    Sectors Start, Sectors Count, IReadOnlyList<IReadOnlyList<int>> Groups, long FirstByte, IReadOnlyList<byte?> Values,
    ScrubOutcome Outcome)
{
    /// <summary>First sector behind the range.</summary>
    public Sectors End => Start + Count;
}
