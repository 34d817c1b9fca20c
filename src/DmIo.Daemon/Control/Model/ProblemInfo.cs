namespace DmIo.Daemon.Control;

/// <summary>Why a request could not be done (RFC 9457).</summary>
/// <param name="Title">What kind of problem it is.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What is wrong and what to do, in sentences a line each.</param>
internal sealed record ProblemInfo(string Title, int Status, string Detail)
{
    public const string ContentType = "application/problem+json";
}
