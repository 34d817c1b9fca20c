namespace DmIo.Mapper;

/// <summary>A log device as a status line shows it.</summary>
/// <param name="Word">The device: <see cref="TargetLeg.Shown"/>.</param>
/// <param name="Letter">
/// <see cref="Alive"/>, <see cref="Failed"/>, or <see cref="FlushFailed"/>, which counts where both have happened.
/// </param>
internal readonly record struct ShownLog(string Word, char Letter)
{
    /// <summary>Everything worked.</summary>
    public const char Alive = 'A';

    /// <summary>The log was written, and could not be flushed.</summary>
    public const char FlushFailed = 'F';

    /// <summary>The log could not be read or written, or is of an unknown version.</summary>
    public const char Failed = 'D';
}
