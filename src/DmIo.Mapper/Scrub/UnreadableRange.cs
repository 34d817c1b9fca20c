namespace DmIo.Mapper;

/// <summary>A range that a leg could not read while it was compared.</summary>
/// <param name="Leg">The leg, counted from 0.</param>
/// <param name="Start">First sector, on the volume.</param>
/// <param name="Count">How many.</param>
/// <param name="Errno">Why.</param>
public sealed record UnreadableRange(int Leg, Sectors Start, Sectors Count, Errno Errno);
