namespace DmIo.Mapper;

/// <summary>What was asked for is right and does not go together with how things are at the moment.</summary>
public sealed class NotNowException : MapperException
{
    /// <summary>Creates the exception.</summary>
    public NotNowException(string problem)
        : base(problem)
    {
    }
}
