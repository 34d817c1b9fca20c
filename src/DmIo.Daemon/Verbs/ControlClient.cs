using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DmIo.Daemon.CommandLine;
using DmIo.Daemon.Control;

namespace DmIo.Daemon.Verbs;

/// <summary>Talks to a running daemon over its control socket.</summary>
internal sealed class ControlClient : IDisposable
{
    private readonly string _path;
    private readonly HttpClient _http;

    public ControlClient(string path)
    {
        _path = path;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellation) => await ConnectAsync(cancellation),
        };
        _http = new HttpClient(handler)
        {
            // HTTP wants a host; there is but one behind the socket.
            BaseAddress = new Uri("http://localhost/v1/"),
            // Some answers come when something happens.
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>A name as a part of a path.</summary>
    public static string Escape(string name) => Uri.EscapeDataString(name);

    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, path, null);
        return (await response.Content.ReadFromJsonAsync(type))!;
    }

    /// <summary>The answer's text, as it is.</summary>
    public async Task<string> GetTextAsync(string path)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, path, null);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>Asks for a change.</summary>
    /// <returns>The answer's text, empty where there is nothing to say.</returns>
    public async Task<string> DoAsync(HttpMethod method, string path, CancellationToken cancellation = default)
    {
        using HttpResponseMessage response = await SendAsync(method, path, null, cancellation);
        return await response.Content.ReadAsStringAsync(cancellation);
    }

    /// <inheritdoc cref="DoAsync(HttpMethod, string, CancellationToken)"/>
    public async Task<string> DoAsync<T>(
        HttpMethod method, string path, T body, JsonTypeInfo<T> type, CancellationToken cancellation = default)
    {
        using HttpResponseMessage response = await SendAsync(method, path, JsonContent.Create(body, type), cancellation);
        return await response.Content.ReadAsStringAsync(cancellation);
    }

    /// <summary>Sends a document and takes one.</summary>
    public async Task<TAnswer> AskAsync<T, TAnswer>(
        HttpMethod method, string path, T body, JsonTypeInfo<T> type, JsonTypeInfo<TAnswer> answer)
    {
        using HttpResponseMessage response = await SendAsync(method, path, JsonContent.Create(body, type));
        return (await response.Content.ReadFromJsonAsync(answer))!;
    }

    /// <summary>An answer's lines, as they come.</summary>
    public async IAsyncEnumerable<string> LinesAsync(string path)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, path, null);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        while (await NextAsync(reader) is { } line)
            yield return line;
    }

    public void Dispose() => _http.Dispose();

    private async Task<string?> NextAsync(StreamReader reader)
    {
        try
        {
            return await reader.ReadLineAsync();
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw Gone();
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException e) when (e.InnerException is VerbException verb)
        {
            throw verb;
        }
        catch (HttpRequestException)
        {
            throw Gone();
        }
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
            throw await ProblemAsync(response);
    }

    private static async Task<VerbException> ProblemAsync(HttpResponseMessage response)
    {
        int exitCode = response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity
            ? ExitCode.Usage
            : ExitCode.Failure;
        string text = await response.Content.ReadAsStringAsync();
        if (response.Content.Headers.ContentType?.MediaType != ProblemInfo.ContentType)
            return new VerbException(exitCode, $"{response.StatusCode}: {text}");
        ProblemInfo problem = JsonSerializer.Deserialize(text, ControlJson.Default.ProblemInfo)!;
        return new VerbException(exitCode, problem.Detail);
    }

    private async Task<Stream> ConnectAsync(CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            throw new VerbException(ExitCode.Failure, NoDaemon((e as SocketException)?.SocketErrorCode, e.Message));
        }
    }

    private string NoDaemon(SocketError? error, string reason) => error switch
    {
        SocketError.AccessDenied =>
            $"the daemon's control socket {_path} is another user's; run this as that user, or as root",
        SocketError.AddressNotAvailable or SocketError.ConnectionRefused or SocketError.HostNotFound =>
            $"no daemon is controlled at {_path}; start one (dmio-nbd serve), or say where it is (--control PATH)",
        _ => $"no daemon is controlled at {_path} ({reason}); start one (dmio-nbd serve), or say where it is (--control PATH)",
    };

    private VerbException Gone() =>
        new(ExitCode.Failure, $"the daemon at {_path} ended, or closed the connection, before it had answered");
}
