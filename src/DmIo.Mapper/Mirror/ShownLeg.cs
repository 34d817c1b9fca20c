namespace DmIo.Mapper;

/// <summary>A leg as a table line shows it.</summary>
/// <param name="Word">The device: <see cref="TargetLeg.Shown"/>.</param>
/// <param name="Offset">Where the mirror's first sector lies on it.</param>
internal readonly record struct ShownLeg(string Word, Sectors Offset);
