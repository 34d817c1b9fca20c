namespace DmIo.Mapper;

/// <summary>
/// A new mirror's legs hold data, and nobody has said whether they are the same or which of them is right.
/// </summary>
public sealed class BirthException : MapperException
{
    /// <summary>Creates the exception.</summary>
    public BirthException(string problem)
        : base(problem)
    {
    }
}
