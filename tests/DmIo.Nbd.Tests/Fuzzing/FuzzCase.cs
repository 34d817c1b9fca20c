using System.Text;

namespace DmIo.Nbd.Tests;

/// <summary>A case: what one to three clients do, step by step, and over which kind of server.</summary>
/// <param name="Kind">The server.</param>
/// <param name="Steps">In the order in which they happen.</param>
internal sealed record FuzzCase(FuzzWorldKind Kind, IReadOnlyList<FuzzStep> Steps)
{
    private const string Head = "case ";

    /// <summary>Longer cases are not made.</summary>
    public const int MaxSteps = 60;

    public override string ToString()
    {
        var text = new StringBuilder(Head).Append(Kind).Append('\n');
        foreach (FuzzStep step in Steps)
            text.Append(step).Append('\n');
        return text.ToString();
    }

    /// <summary>Reads cases as they are written one after the other; lines that begin with # are passed over.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static List<FuzzCase> ParseAll(IEnumerable<string> lines)
    {
        var cases = new List<FuzzCase>();
        List<FuzzStep>? steps = null;
        foreach (string line in lines)
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            if (line.StartsWith(Head, StringComparison.Ordinal))
                cases.Add(new FuzzCase(Enum.Parse<FuzzWorldKind>(line[Head.Length..]), steps = []));
            else
                (steps ?? throw new FormatException($"no case yet: {line}")).Add(FuzzStep.Parse(line));
        }
        return cases;
    }
}
