using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace DmIo.Daemon.Control;

/// <summary>One thing that can be asked for: how, and what comes of it.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">The path; a segment in braces takes any value.</param>
/// <param name="Summary">What it does, in a sentence.</param>
/// <param name="Handler">Does it.</param>
internal sealed record Operation(string Method, string Path, string Summary, Func<ControlCall, Task> Handler)
{
    /// <summary>The path in pieces.</summary>
    public string[] Segments { get; } = Split(Path);

    public IReadOnlyList<QueryParameter> Query { get; init; } = [];

    /// <summary>What must be sent; null when nothing is.</summary>
    public JsonTypeInfo? Request { get; init; }

    /// <summary>What is answered; null when nothing is.</summary>
    public JsonTypeInfo? Response { get; init; }

    public string ResponseContentType { get; init; } = "application/json";

    public int Status => Response is null ? StatusCodes.Status204NoContent : StatusCodes.Status200OK;

    public static string[] Split(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The name of a segment that takes any value; null for one that does not.</summary>
    public static string? NameOf(string segment) => segment.StartsWith('{') ? segment[1..^1] : null;
}
