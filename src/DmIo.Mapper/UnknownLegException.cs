namespace DmIo.Mapper;

/// <summary>A device stands where a mirror had a leg, and is not that leg.</summary>
public sealed class UnknownLegException : MapperException
{
    /// <summary>Creates the exception.</summary>
    public UnknownLegException(string problem)
        : base(problem)
    {
    }
}
