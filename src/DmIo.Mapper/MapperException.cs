namespace DmIo.Mapper;

/// <summary>
/// A mapped device cannot be made: each problem is a sentence with the device's name, the reason and the remedy.
/// </summary>
public class MapperException : Exception
{
    /// <summary>Creates the exception for one problem.</summary>
    public MapperException(string problem)
        : this([problem])
    {
    }

    /// <summary>Creates the exception for all problems that were found together.</summary>
    public MapperException(IReadOnlyList<string> problems)
        : base(string.Join(Environment.NewLine, problems)) => Problems = problems;

    /// <summary>All problems that were found.</summary>
    public IReadOnlyList<string> Problems { get; }
}
