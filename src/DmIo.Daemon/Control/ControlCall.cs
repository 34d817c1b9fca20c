using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace DmIo.Daemon.Control;

/// <summary>One request to the control interface and its answer.</summary>
internal sealed class ControlCall(
    HttpContext context, Operation operation, IReadOnlyDictionary<string, string> path, CancellationToken ended)
{
    // Arbitrary: far more than the largest table.
    private const long BodyLimitBytes = 4 << 20;

    /// <summary>Whoever asked is gone, or the daemon stops.</summary>
    public CancellationToken Ended => ended;

    public HttpResponse Response => context.Response;

    /// <summary>A part of the path.</summary>
    public string this[string name] => path[name];

    public bool Flag(string name) => Query(name) switch
    {
        null or "false" => false,
        "" or "true" => true,
        var text => throw Malformed($"{name}: '{text}' is neither true nor false"),
    };

    public long? Number(string name)
    {
        if (Query(name) is not { } text)
            return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw Malformed($"{name}: '{text}' is no number");
    }

    public string? Query(string name) =>
        context.Request.Query.TryGetValue(name, out var values) ? values.ToString() : null;

    public async Task<T> ReadAsync<T>(JsonTypeInfo<T> type)
        where T : class
    {
        if (context.Request.ContentLength > BodyLimitBytes)
            throw new ControlException(StatusCodes.Status413PayloadTooLarge, $"more than {BodyLimitBytes} bytes");
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, ended)
                ?? throw Malformed("the body is null");
        }
        catch (JsonException e)
        {
            throw Malformed($"the body is not what {operation.Method} {operation.Path} takes: {e.Message}");
        }
    }

    public Task AnswerAsync<T>(T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = operation.ResponseContentType;
        return JsonSerializer.SerializeAsync(context.Response.Body, value, type, ended);
    }

    private static ControlException Malformed(string message) => new(StatusCodes.Status400BadRequest, message);
}
